import type { IdentityRoute } from '../guard.ts'
import { listPkiRevocations, listRevokeEvents, listSequencedEvents, showKeys } from './events.ts'
import { issue } from './issue.ts'
import { revoke } from './revoke.ts'
import { authRequest } from './schema.ts'
import { listScopeDomains, listScopeProjects, listScopeSystem, showCatalog } from './scopes.ts'
import { subjectTarget } from './subject.ts'
import { validate } from './validate.ts'

const path = '/auth/tokens'

export const routes: IdentityRoute[] = [
  { method: 'POST', path, policy: null, body: authRequest, status: 201, operation: issue },
  { method: 'GET', path, policy: 'identity:validate_token', target: subjectTarget, status: 200, operation: validate },
  { method: 'HEAD', path, policy: 'identity:check_token', target: subjectTarget, status: 200, operation: validate },
  { method: 'DELETE', path, policy: 'identity:revoke_token', target: subjectTarget, status: 204, operation: revoke },
  {
    method: 'GET',
    path: '/auth/tokens/OS-PKI/revoked',
    policy: 'identity:revocation_list',
    status: 200,
    operation: listPkiRevocations,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/auth/projects',
    policy: 'identity:get_auth_projects',
    status: 200,
    operation: listScopeProjects,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/auth/domains',
    policy: 'identity:get_auth_domains',
    status: 200,
    operation: listScopeDomains,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/auth/system',
    policy: 'identity:get_auth_system',
    status: 200,
    operation: listScopeSystem,
  },
  {
    method: ['GET', 'HEAD'],
    path: '/auth/catalog',
    policy: 'identity:get_auth_catalog',
    status: 200,
    operation: showCatalog,
  },
  {
    method: 'GET',
    path: '/OS-REVOKE/events',
    policy: 'identity:list_revoke_events',
    status: 200,
    operation: listRevokeEvents,
  },
]

/** Routes outside of /v3, with which the other services of Hearth verify tokens. */
export const wellKnownRoutes: IdentityRoute[] = [
  { method: 'GET', path: '/.well-known/jwks.json', policy: null, status: 200, operation: showKeys },
  {
    method: 'GET',
    path: '/.well-known/revocations',
    policy: 'identity:follow_revocations',
    status: 200,
    operation: listSequencedEvents,
  },
]
