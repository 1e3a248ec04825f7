import type { Database } from '@hearth/database'
import type { Route } from '@hearth/http'
import { associate, disassociate, disassociateAll, listAssociations } from './associate.ts'
import { createQos, deleteQos, deleteQosKeys, listQos, showQos, updateQos } from './manage.ts'
import { createBody, deleteKeysBody, updateBody } from './schema.ts'

const rule = (verb: string) => `volume_extension:qos_specs_manage:${verb}`
const at = (path: string) => `/qos-specs/:id${path}`

export const qosRoutes: Route<{ database: Database }>[] = [
  { method: 'GET', path: '/qos-specs', policy: rule('get_all'), status: 200, operation: listQos },
  { method: 'POST', path: '/qos-specs', policy: rule('create'), body: createBody, status: 200, operation: createQos },
  { method: 'GET', path: at(''), policy: rule('get'), status: 200, operation: showQos },
  { method: 'PUT', path: at(''), policy: rule('update'), body: updateBody, status: 200, operation: updateQos },
  { method: 'DELETE', path: at(''), policy: rule('delete'), status: 202, operation: deleteQos },
  {
    method: 'PUT',
    path: at('/delete_keys'),
    policy: rule('update'),
    body: deleteKeysBody,
    status: 202,
    operation: deleteQosKeys,
  },
  { method: 'GET', path: at('/associations'), policy: rule('get_all'), status: 200, operation: listAssociations },
  { method: 'GET', path: at('/associate'), policy: rule('update'), status: 202, operation: associate },
  { method: 'GET', path: at('/disassociate'), policy: rule('update'), status: 202, operation: disassociate },
  { method: 'GET', path: at('/disassociate_all'), policy: rule('update'), status: 202, operation: disassociateAll },
]
