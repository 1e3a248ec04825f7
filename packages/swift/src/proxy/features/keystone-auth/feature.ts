import { projectDomainHeader, unknownDomain } from '../../accounts/project-domain.ts'
import type { Feature } from '../feature.ts'
import { withinAccessRules } from './access-rules.ts'
import { authorize } from './authorize.ts'

/** Takes the caller's identity from the token and lets the operations ask what the caller may. */
export const keystoneAuth: Feature = {
  name: 'keystoneauth',
  wrap: (next, deps) => async (request) => {
    const token = request.headers['x-auth-token'] ?? request.headers['x-storage-token']
    const service = request.headers['x-service-token']
    const serviceRoles = (service ? await deps.authenticator.authenticate(service) : null)?.roles ?? []
    // As in keystonemiddleware: a service may have taken longer than the user's token lives.
    const allowExpired = serviceRoles.includes('service')
    const caller = token ? await deps.authenticator.authenticate(token, { allowExpired }) : null
    const response = await next({
      ...request,
      identity: withinAccessRules(caller, request, serviceRoles),
      serviceRoles,
      authorize: (asked, access) => authorize(asked, access, deps),
    })
    const domain = response.headers[projectDomainHeader]
    if (domain === undefined || domain === unknownDomain) return response
    return { ...response, headers: { ...response.headers, 'x-account-project-domain-id': domain } }
  },
}
