import { setOwn } from '@hearth/core'
import type { ProxyDeps } from '../deps.ts'
import type { Handler } from '../request.ts'
import { route } from '../route.ts'
import { bulkDelete, bulkUpload } from './bulk/feature.ts'
import { copy } from './copy/feature.ts'
import { crossOrigin } from './cross-origin/feature.ts'
import { dynamicLargeObjects } from './dynamic-large-objects/feature.ts'
import type { Feature } from './feature.ts'
import { formPost } from './form-post/feature.ts'
import { gatekeeper } from './gatekeeper/feature.ts'
import { keystoneAuth } from './keystone-auth/feature.ts'
import { accountQuotas } from './quotas/account.ts'
import { containerQuotas } from './quotas/container.ts'
import { staticLargeObjects } from './static-large-objects/feature.ts'
import { staticWeb } from './static-web/feature.ts'
import { symlinks } from './symlinks/feature.ts'
import { tempUrl } from './temp-url/feature.ts'
import { versions } from './versions/feature.ts'

/**
 * The features in the order in which a request passes them, that of Swift's sample configuration. Bulk requests are
 * outside signed ones, so that a signature never counts for a bulk request. Tokens are read before both: bulk requests
 * identify the caller before they read a body, and a signature replaces the token.
 */
const features: Feature[] = [
  gatekeeper,
  crossOrigin,
  keystoneAuth,
  bulkDelete,
  bulkUpload,
  tempUrl,
  formPost,
  staticWeb,
  copy,
  containerQuotas,
  accountQuotas,
  staticLargeObjects,
  dynamicLargeObjects,
  versions,
  symlinks,
]

/** Joins the features and the operations. */
export function openPipeline(deps: ProxyDeps): Handler {
  let handler: Handler = (request) => route(request, deps)
  for (const feature of [...features].reverse()) {
    handler = feature.wrap(handler, deps)
    if (feature.capability) setOwn(deps.capabilities, feature.name, feature.capability)
  }
  return handler
}
