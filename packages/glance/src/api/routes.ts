import type { Route } from '@hearth/http'
import { cacheRoutes } from './cache/routes.ts'
import type { ApiDeps } from './deps.ts'
import { imageRoutes } from './images/routes.ts'
import { importRoutes } from './imports/routes.ts'
import { infoRoutes } from './info/routes.ts'
import { locationRoutes } from './locations/routes.ts'
import { memberRoutes } from './members/routes.ts'
import { metadefRoutes } from './metadefs/routes.ts'
import { schemaRoutes } from './schemas/routes.ts'
import { storeRoutes } from './stores/routes.ts'
import { tagRoutes } from './tags/routes.ts'
import { taskRoutes } from './tasks/routes.ts'

/** All rows under /v2. */
export const routes: Route<ApiDeps>[] = [
  ...imageRoutes,
  ...memberRoutes,
  ...tagRoutes,
  ...importRoutes,
  ...taskRoutes,
  ...infoRoutes,
  ...metadefRoutes,
  ...schemaRoutes,
  ...locationRoutes,
  ...storeRoutes,
  ...cacheRoutes,
]
