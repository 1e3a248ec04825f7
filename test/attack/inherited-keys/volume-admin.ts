import { has, holding, lists, type Row, type Targets } from './row.ts'
import { item, newest, taken, volumeLists } from './volume.ts'

export const volumeAdminRows = (targets: Targets): Row[] => [
  ...item('extra specs', () => `/types/${targets.type}/extra_specs`, 'extra_specs'),
  ...taken('extra specs', () => `/types/${targets.type}/extra_specs`, 202, 404),
  ...item('group specs', () => `/group_types/${targets.groupType}/group_specs`, 'group_specs').map((row) => ({
    ...row,
    status: row.method === 'POST' ? 202 : row.status,
    ask: (name: string) => ({ ...row.ask(name), ...newest }),
  })),
  {
    title: 'a spec of qos',
    service: 'volume',
    method: 'PUT',
    status: 200,
    ask: (name) => ({ path: `/qos-specs/${targets.qos}`, json: { qos_specs: holding(name, 'kept') } }),
  },
  {
    title: 'specs of qos shown',
    service: 'volume',
    method: 'GET',
    status: 200,
    ask: () => ({ path: `/qos-specs/${targets.qos}` }),
    fits: ({ body }, name) => has(body.qos_specs.specs, name, 'kept'),
  },
  {
    title: 'a quota',
    service: 'volume',
    method: 'PUT',
    status: 400,
    ask: (name) => ({ path: `/os-quota-sets/${targets.member.projectId}`, json: { quota_set: holding(name, 5) } }),
  },
  {
    title: 'a quota class',
    service: 'volume',
    method: 'GET',
    status: 200,
    ask: (name) => ({ path: `/os-quota-class-sets/${name}` }),
  },
  ...lists('volume', volumeLists, (name) => `all_tenants=1&${name}=x`, newest),
]
