import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { own } from '@hearth/core'

/** Seconds by which the clocks of two hosts may differ, and for which a request can be used. */
export const window = 300

/** Requests of one process that may arrive out of order. */
const mostOutOfOrder = 4096
/** Number of processes whose requests are counted separately. */
const mostSenders = 1024

interface SignedParts {
  method: string
  /** Path with the query. */
  path: string
  /** Fingerprint of the cluster. */
  cluster: string
  body: Uint8Array
}

type Headers = Record<string, string>

/**
 * Returns a function that signs requests of this process: HMAC-SHA256 over the request, the sender, its number and the
 * time.
 */
export function openSigner(secret: string, clock: () => number = Date.now): (parts: SignedParts) => Headers {
  if (secret === '') throw new Error('the storage plane needs a secret')
  const sender = randomBytes(16).toString('hex')
  let number = 0
  return ({ method, path, cluster, body }) => {
    const headers = {
      'x-storage-cluster': cluster,
      'x-storage-sender': sender,
      'x-storage-number': String(++number),
      'x-storage-time': String(Math.floor(clock() / 1000)),
      'x-storage-body': createHash('sha256').update(body).digest('hex'),
    }
    return { ...headers, 'x-storage-signature': signatureOf(secret, method, path, headers) }
  }
}

function signatureOf(secret: string, method: string, path: string, headers: Headers): string {
  const names = ['cluster', 'sender', 'number', 'time', 'body']
  const text = [method, path, ...names.map((name) => own(headers, `x-storage-${name}`))].join('\n')
  return createHmac('sha256', secret).update(text).digest('hex')
}

export type Refusal = 'signature' | 'time' | 'replay' | 'cluster'

export interface Verifier {
  /** Checks everything but the body. Null when the request is good. Each good request is good once. */
  check(method: string, path: string, headers: Record<string, string | string[] | undefined>): Refusal | null
}

/** Whether a body is the one that was signed for. */
export const isSignedBody = (headers: Record<string, unknown>, body: Uint8Array): boolean =>
  createHash('sha256').update(body).digest('hex') === headers['x-storage-body']

interface Sender {
  highest: number
  seen: Set<number>
  at: number
}

/** Throws for an empty secret, which would be known to all. */
export function openVerifier(secret: string, cluster: string, clock: () => number = Date.now): Verifier {
  if (secret === '') throw new Error('the storage plane needs a secret')
  const senders = new Map<string, Sender>()
  const isNew = (name: string, number: number, now: number): boolean => {
    if (!Number.isSafeInteger(number)) return false
    const sender = senders.get(name) ?? { highest: number, seen: new Set<number>(), at: now }
    if (number <= sender.highest - mostOutOfOrder || sender.seen.has(number)) return false
    if (!senders.has(name) && senders.size >= mostSenders && !forgetOld(senders, now)) return false
    sender.seen.add(number)
    sender.at = now
    sender.highest = Math.max(sender.highest, number)
    if (sender.seen.size > 2 * mostOutOfOrder)
      for (const old of sender.seen) if (old <= sender.highest - mostOutOfOrder) sender.seen.delete(old)
    senders.set(name, sender)
    return true
  }
  return {
    check(method, path, given) {
      const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]))
      const wanted = Buffer.from(signatureOf(secret, method, path, headers))
      const found = Buffer.from(headers['x-storage-signature'] ?? '')
      if (wanted.length !== found.length || !timingSafeEqual(wanted, found)) return 'signature'
      if (headers['x-storage-cluster'] !== cluster) return 'cluster'
      const now = clock() / 1000
      if (!(Math.abs(now - Number(headers['x-storage-time'])) <= window)) return 'time'
      return isNew(headers['x-storage-sender']!, Number(headers['x-storage-number']), now) ? null : 'replay'
    },
  }
}

/** Forgets senders none of whose requests could be used again. Returns whether there is room now. */
function forgetOld(senders: Map<string, Sender>, now: number): boolean {
  for (const [name, { at }] of senders) if (Math.abs(now - at) > 2 * window) senders.delete(name)
  return senders.size < mostSenders
}
