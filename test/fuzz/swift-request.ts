import { silentLog } from '@hearth/core'
import { Refusal, type SwiftResponse } from '../../packages/swift/src/model/response.ts'
import type { ProxyDeps } from '../../packages/swift/src/proxy/deps.ts'
import { defaultLimits } from '../../packages/swift/src/proxy/limits.ts'
import type { SwiftRequest } from '../../packages/swift/src/proxy/request.ts'

/** A request of nobody, as a feature of the object store gets it. */
export function requestOf(
  parts: Pick<SwiftRequest, 'method' | 'object' | 'query' | 'headers'> & { body: AsyncIterable<Buffer> },
): SwiftRequest {
  return {
    ...{ account: 'AUTH_fuzz', container: 'c', length: null, chunked: true, transactionId: 'tx', baseUrl: 'http://a' },
    ...{ identity: null, serviceRoles: [], authorize: () => null, preauthorized: null, slash: false, owner: false },
    ...{
      reseller: false,
      sysmeta: {},
      gone: new AbortController().signal,
      log: silentLog,
      clientAddress: '127.0.0.1',
      path: '/v1/AUTH_fuzz/c',
    },
    ...parts,
  } as unknown as SwiftRequest
}

/** As much of the proxy as features ask before they know who is calling: an account with a key. */
const stored = {
  metadata: { 'x-account-meta-temp-url-key': ['a key nobody knows', '1'] },
  putTimestamp: '2',
  deleteTimestamp: '1',
}
const ring = { partition: () => 0, primaries: () => [{}], handoffs: () => [] }

export const proxyDeps = {
  cluster: {
    salt: { prefix: '', suffix: 'x' },
    rings: { account: ring, container: ring, object: ring },
    node: () => ({ local: true, read: async () => stored }),
  },
  limits: defaultLimits,
  log: silentLog,
} as unknown as ProxyDeps

/** Reads a body, or an answer's, to its end. */
export async function drain(source: SwiftResponse | AsyncIterable<unknown>): Promise<void> {
  const body = Symbol.asyncIterator in source ? source : source.body
  if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) return
  for await (const _ of body as AsyncIterable<unknown>) {
    // Only the end matters.
  }
}

/** The answer, be it returned or thrown. */
export async function answerOrRefusal(work: () => Promise<SwiftResponse>): Promise<SwiftResponse> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Refusal) return error.response
    throw error
  }
}
