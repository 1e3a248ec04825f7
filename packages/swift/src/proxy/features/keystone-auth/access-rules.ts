import { allowsAccess } from '@hearth/auth'
import type { Identity } from '@hearth/core'
import { pathOf, type SwiftRequest } from '../../request.ts'

const serviceTypes = ['object-store']

/**
 * Returns the identity; null when it is an application credential whose access rules do not allow the request, like
 * keystonemiddleware where Swift decides late about access. A request forwarded by a service is not checked.
 */
export function withinAccessRules(
  identity: Identity | null,
  request: Pick<SwiftRequest, 'method' | 'path'>,
  serviceRoles: readonly string[],
): Identity | null {
  if (!identity?.accessRules || serviceRoles.includes('service')) return identity
  return allowsAccess(identity.accessRules, serviceTypes, request) ? identity : null
}

/**
 * Returns the request with the identity that it would have as a request of its own. Used for everything that a request
 * reaches beyond its path: the source of a copy, members of a bulk request, the target of a link, parts of a large
 * object. Swift checks only the outer request.
 */
export function ruledAnew(request: SwiftRequest): SwiftRequest {
  const path = `/v1${pathOf(request).split('/').map(encodeURIComponent).join('/')}`
  const identity = withinAccessRules(request.identity, { method: request.method, path }, request.serviceRoles)
  return { ...request, path, identity }
}
