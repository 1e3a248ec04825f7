import type { Identity } from '@hearth/core'

/**
 * Keystone's OS-REVOKE event: voids tokens issued before it that match every given attribute. `sequence` and a token's
 * `revision` give the order, independent of clocks; without them `issuedBefore` does (milliseconds since the epoch).
 */
export interface RevocationEvent {
  sequence?: number
  auditId?: string | null
  /** The first token of a chain of re-scoped ones. */
  auditChainId?: string | null
  userId?: string | null
  projectId?: string | null
  domainId?: string | null
  roleName?: string | null
  appCredentialId?: string | null
  issuedBefore: number
}

export interface Revocations {
  add(event: RevocationEvent): void
  isRevoked(identity: Identity): boolean
  /** Removes events numbered below `sequence`: the tokens they void have all ended. */
  forgetBefore(sequence: number): void
  size(): number
}

type Index = Map<string, RevocationEvent[]>

/** Events indexed by their most selective attribute, so that a check costs a few map look-ups. */
export function openRevocations(initial: Iterable<RevocationEvent> = []): Revocations {
  const index: Index = new Map()
  let size = 0
  const add = (event: RevocationEvent): void => {
    const key = keyOf(event)
    const events = index.get(key)
    if (events) events.push(event)
    else index.set(key, [event])
    size++
  }
  for (const event of initial) add(event)
  return {
    add,
    forgetBefore(sequence) {
      for (const [key, events] of index) {
        const kept = events.filter((event) => event.sequence === undefined || event.sequence >= sequence)
        size -= events.length - kept.length
        if (kept.length === 0) index.delete(key)
        else if (kept.length < events.length) index.set(key, kept)
      }
    },
    size: () => size,
    isRevoked: (identity) =>
      size > 0 && keysOf(identity).some((key) => index.get(key)?.some((event) => matches(event, identity))),
  }
}

function keyOf(event: RevocationEvent): string {
  if (event.auditId) return `audit:${event.auditId}`
  if (event.auditChainId) return `chain:${event.auditChainId}`
  if (event.appCredentialId) return `app:${event.appCredentialId}`
  if (event.userId) return `user:${event.userId}`
  if (event.projectId) return `project:${event.projectId}`
  if (event.domainId) return `domain:${event.domainId}`
  return event.roleName ? `role:${event.roleName}` : 'all'
}

function keysOf(identity: Identity): string[] {
  const keys = [
    `audit:${identity.auditIds[0]}`,
    `chain:${identity.auditIds.at(-1)}`,
    `user:${identity.userId}`,
    `domain:${identity.userDomainId}`,
    'all',
    ...identity.roles.map((role) => `role:${role}`),
  ]
  if (identity.appCredentialId) keys.push(`app:${identity.appCredentialId}`)
  if (identity.projectId) keys.push(`project:${identity.projectId}`)
  if (identity.projectDomainId) keys.push(`domain:${identity.projectDomainId}`)
  if (identity.domainId) keys.push(`domain:${identity.domainId}`)
  return keys
}

/** Ids of tokens, trusts and application credentials are never used again: their events void tokens of any time. */
function isLater(event: RevocationEvent, identity: Identity): boolean {
  if (event.auditId || event.auditChainId || event.appCredentialId) return true
  if (event.sequence !== undefined && identity.revision !== undefined) return event.sequence > identity.revision
  return identity.issuedAt <= event.issuedBefore
}

function matches(event: RevocationEvent, identity: Identity): boolean {
  if (!isLater(event, identity)) return false
  const domains = [identity.userDomainId, identity.projectDomainId, identity.domainId]
  return (
    (!event.auditId || event.auditId === identity.auditIds[0]) &&
    (!event.auditChainId || event.auditChainId === identity.auditIds.at(-1)) &&
    (!event.userId || event.userId === identity.userId) &&
    (!event.projectId || event.projectId === identity.projectId) &&
    (!event.appCredentialId || event.appCredentialId === identity.appCredentialId) &&
    (!event.roleName || identity.roles.includes(event.roleName)) &&
    (!event.domainId || domains.includes(event.domainId))
  )
}
