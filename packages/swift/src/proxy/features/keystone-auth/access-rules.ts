import { allowsAccess } from '@hearth/auth'
import type { Identity } from '@hearth/core'
import { pathOf, type SwiftRequest } from '../../request.ts'

const serviceTypes = ['object-store']

/**
 * Returns the identity, or null when it is an application credential whose access rules do not name the request, as
 * keystonemiddleware does where Swift decides late about access. A request passed on by a service is not the user's own.
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
 * The request with the identity that it keeps as a request of its own. For what one request reaches beyond its path: the
 * source of a copy, the members of a bulk request, the target of a link, the parts of a large object. Swift itself checks only
 * the outer request.
 */
export function ruledAnew(request: SwiftRequest): SwiftRequest {
  const path = `/v1${pathOf(request).split('/').map(encodeURIComponent).join('/')}`
  const identity = withinAccessRules(request.identity, { method: request.method, path }, request.serviceRoles)
  return { ...request, path, identity }
}
