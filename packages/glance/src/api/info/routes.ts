import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { listStores, listStoresDetail, showImportInfo, showUsage } from './info.ts'

export const infoRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: '/info/import', policy: 'default', status: 200, operation: showImportInfo },
  { method: 'GET', path: '/info/stores', policy: 'default', status: 200, operation: listStores },
  {
    method: 'GET',
    path: '/info/stores/detail',
    policy: 'stores_info_detail',
    status: 200,
    operation: listStoresDetail,
  },
  { method: 'GET', path: '/info/usage', policy: 'default', status: 200, operation: showUsage },
]
