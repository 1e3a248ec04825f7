import { type HearthError, isHearthError, type Logger } from '@hearth/core'

/** Log-in attempt as the audit log shows it: the user, the address and the methods; never a secret. */
export interface LoginRecord {
  /** Client address. */
  address: string
  /** Requested methods. */
  methods: readonly string[]
  userId?: string | undefined
  userName?: string | undefined
  /** Id or name of the user's domain. */
  domain?: string | undefined
  /** Id or name of the application credential that was used. */
  appCredential?: string | undefined
}

const longest = 255
const cut = (text: string | undefined): string | undefined =>
  text !== undefined && text.length > longest ? `${text.slice(0, longest)}…` : text

function fields(record: LoginRecord): Record<string, unknown> {
  return {
    address: record.address,
    methods: record.methods.slice(0, 10).map(cut),
    userId: cut(record.userId),
    userName: cut(record.userName),
    domain: cut(record.domain),
    appCredential: cut(record.appCredential),
  }
}

/** Writes a successful log-in to the audit log. */
export function auditSuccess(log: Logger, record: LoginRecord, event = 'login'): void {
  log.info({ audit: event, outcome: 'success', ...fields(record) }, `${event} succeeded`)
}

/** Writes a failed log-in to the audit log, with the reason of `error`, which the client does not get. */
export function auditFailure(log: Logger, record: LoginRecord, error: unknown, event = 'login'): void {
  const reason = isHearthError(error) ? reasonOf(error) : 'internal error'
  log.warn({ audit: event, outcome: 'failure', reason, ...fields(record) }, `${event} failed`)
}

const reasonOf = (error: HearthError): string =>
  typeof error.params.reason === 'string' ? error.params.reason : error.code
