import type { SwiftResponse } from '../../../model/response.ts'
import type { Feature } from '../feature.ts'

const inside =
  /^x-(account|container|object)-sysmeta-|^x-object-transient-sysmeta-|^x-backend-|^x-container-(host|device|partition|root-db-state)$/

/** Keeps headers that only the inside may set from coming in, and from going out. */
export const gatekeeper: Feature = {
  name: 'gatekeeper',
  wrap: (next) => async (request) => {
    const response = await next({ ...request, headers: strip(request.headers) })
    return { ...response, headers: strip(response.headers) } satisfies SwiftResponse
  },
}

function strip(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !inside.test(name)))
}
