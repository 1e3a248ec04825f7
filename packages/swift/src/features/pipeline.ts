import type { ProxyDeps } from '../deps.ts'
import type { Handler } from '../request.ts'
import { route } from '../route.ts'
import { copy } from './copy/feature.ts'
import { dynamicLargeObjects } from './dynamic-large-objects/feature.ts'
import type { Feature } from './feature.ts'
import { gatekeeper } from './gatekeeper/feature.ts'
import { keystoneAuth } from './keystone-auth/feature.ts'
import { staticLargeObjects } from './static-large-objects/feature.ts'

/** What a request passes, outermost first; the order is that of Swift's sample configuration. */
export const features: Feature[] = [gatekeeper, keystoneAuth, copy, staticLargeObjects, dynamicLargeObjects]

/** Joins the features and the operations. `deps.app` becomes the part below authentication, for requests that features make. */
export function openPipeline(deps: ProxyDeps): Handler {
  let handler: Handler = (request) => route(request, deps)
  for (const feature of [...features].reverse()) {
    if (feature === keystoneAuth) deps.app = handler
    handler = feature.wrap(handler, deps)
    if (feature.capability) deps.capabilities[feature.name] = feature.capability
  }
  return handler
}
