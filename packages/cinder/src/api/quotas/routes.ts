import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import { showQuotaClass, updateQuotaClass } from './classes.ts'
import { quotaClassBody, quotaSetBody } from './schema.ts'
import { showQuotaDefaults, showQuotas } from './show.ts'
import { deleteQuotas, updateQuotas } from './update.ts'

const show = 'volume_extension:quotas:show'
const classes = 'volume_extension:quota_classes'

export const quotaRoutes: Route<{ database: Database }>[] = [
  { method: 'GET', path: '/os-quota-sets/:project', policy: show, status: 200, operation: showQuotas },
  { method: 'GET', path: '/os-quota-sets/:project/defaults', policy: show, status: 200, operation: showQuotaDefaults },
  {
    method: 'PUT',
    path: '/os-quota-sets/:project',
    policy: 'volume_extension:quotas:update',
    body: quotaSetBody,
    status: 200,
    operation: updateQuotas,
  },
  {
    method: 'DELETE',
    path: '/os-quota-sets/:project',
    policy: 'volume_extension:quotas:delete',
    status: 200,
    operation: deleteQuotas,
  },
  {
    method: 'GET',
    path: '/os-quota-class-sets/:class',
    policy: `${classes}:get`,
    status: 200,
    operation: showQuotaClass,
  },
  {
    method: 'PUT',
    path: '/os-quota-class-sets/:class',
    policy: `${classes}:update`,
    body: quotaClassBody,
    status: 200,
    operation: updateQuotaClass,
  },
]
