import type { Route } from '@hearth/http'
import type { Deps } from '../model/deps.ts'
import { routes as accessRules } from './access-rules/routes.ts'
import { routes as applicationCredentials } from './application-credentials/routes.ts'
import { routes as assignments } from './assignments/routes.ts'
import { routes as credentials } from './credentials/routes.ts'
import { routes as discovery } from './discovery/routes.ts'
import { routes as domainSettings } from './domain-settings/routes.ts'
import { routes as domains } from './domains/routes.ts'
import { routes as ec2 } from './ec2/routes.ts'
import { routes as endpointGroups } from './endpoint-groups/routes.ts'
import { routes as endpoints } from './endpoints/routes.ts'
import { routes as groups } from './groups/routes.ts'
import { guard, type IdentityRoute } from './guard.ts'
import { routes as limits } from './limits/routes.ts'
import { routes as oauthConsumers } from './oauth-consumers/routes.ts'
import { routes as policyBlobs } from './policy-blobs/routes.ts'
import { routes as projects } from './projects/routes.ts'
import { routes as regions } from './regions/routes.ts'
import { routes as roles } from './roles/routes.ts'
import { routes as services } from './services/routes.ts'
import { routes as tokens, wellKnownRoutes } from './tokens/routes.ts'
import { routes as trusts } from './trusts/routes.ts'
import { routes as users } from './users/routes.ts'

/** Routes of API version 3; their paths start below /v3. */
export const routes: IdentityRoute[] = [
  ...accessRules,
  ...applicationCredentials,
  ...assignments,
  ...credentials,
  ...domainSettings,
  ...domains,
  ...ec2,
  ...endpointGroups,
  ...endpoints,
  ...groups,
  ...limits,
  ...oauthConsumers,
  ...policyBlobs,
  ...projects,
  ...regions,
  ...roles,
  ...services,
  ...tokens,
  ...trusts,
  ...users,
]

/** Base paths that deployments use: on a port of its own, or behind a web server. */
const bases = ['/v3', '/identity/v3']

/** Returns all routes as the server takes them, with paths from the root. */
export function allRoutes(): Route<Deps>[] {
  const rows = bases.flatMap((base) => routes.map((row) => ({ ...row, path: base + row.path })))
  return [...discovery, ...wellKnownRoutes, ...rows].map(guard)
}
