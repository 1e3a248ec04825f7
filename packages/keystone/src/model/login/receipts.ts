import { createHash } from 'node:crypto'
import { HearthError, randomSecret } from '@hearth/core'
import type { Deps } from '../deps.ts'
import { errors } from '../errors.ts'
import { writeTime } from '../times.ts'
import type { Login } from '../users/store.ts'
import { rulesOf } from './multi-factor.ts'
import { findReceipt, insertReceipt } from './store.ts'

/** Lifetime of a receipt in seconds; Keystone's `[receipt] expiration`. */
const lifeSeconds = 300

const idOf = (secret: string): string => createHash('sha256').update(secret).digest('hex')

type ReceiptDeps = Pick<Deps, 'database' | 'clock'>

/**
 * Returns the methods that a receipt proves for this user; none without a receipt. Throws AuthenticationFailed (401)
 * for a receipt that is unknown, expired or another user's.
 */
export async function methodsOfReceipt(
  secret: string | undefined,
  userId: string,
  { database, clock }: ReceiptDeps,
): Promise<string[]> {
  if (secret === undefined) return []
  const receipt = await findReceipt(database.query, idOf(secret))
  if (!receipt || receipt.userId !== userId || receipt.expiresAt <= clock.now().getTime())
    throw errors.AuthenticationFailed({ reason: 'receipt' })
  return receipt.methods
}

/**
 * Returns the 401 that lists the methods still required, with a receipt of the methods already proven (api-ref v3,
 * receipts).
 */
export async function insufficientMethods(
  user: Login,
  methods: string[],
  { database, clock }: ReceiptDeps,
): Promise<HearthError> {
  const secret = randomSecret()
  const issuedAt = clock.now().getTime()
  const expiresAt = issuedAt + lifeSeconds * 1000
  await insertReceipt(database.query, idOf(secret), { userId: user.id, methods, issuedAt, expiresAt })
  const rules = rulesOf(user.options) ?? []
  const body = {
    receipt: {
      methods,
      user: { domain: { id: user.domainId, name: user.domainName }, id: user.id, name: user.name },
      expires_at: writeTime(expiresAt),
      issued_at: writeTime(issuedAt),
    },
    required_auth_methods: rules.filter((rule) => rule.some((method) => methods.includes(method))),
  }
  return new HearthError({
    code: 'InsufficientAuthMethods',
    status: 401,
    message: 'Additional authentications steps required.',
    params: { reason: 'more methods needed', body },
    headers: { 'openstack-auth-receipt': secret },
  })
}
