import { type HearthError, isHearthError, type Logger } from '@hearth/core'

/** A log-in as the audit log shows it: who was tried, from where and how; never a secret. */
export interface LoginRecord {
  address: string
  methods: readonly string[]
  userId?: string | undefined
  userName?: string | undefined
  domain?: string | undefined
  /** Id or name of the application credential tried. */
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

export function auditSuccess(log: Logger, record: LoginRecord, event = 'login'): void {
  log.info({ audit: event, outcome: 'success', ...fields(record) }, `${event} succeeded`)
}

/** `error` is what the client gets; its reason, which the client is not told, is logged. */
export function auditFailure(log: Logger, record: LoginRecord, error: unknown, event = 'login'): void {
  const reason = isHearthError(error) ? reasonOf(error) : 'internal error'
  log.warn({ audit: event, outcome: 'failure', reason, ...fields(record) }, `${event} failed`)
}

const reasonOf = (error: HearthError): string =>
  typeof error.params.reason === 'string' ? error.params.reason : error.code
