import { type Route, type Schema, since } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { cleanUp, listClusters, refuseCluster } from './clusters.ts'
import { listHosts, showHost } from './hosts.ts'
import { freezeHost, listServices, switchService } from './operations.ts'
import { listPools, showCapabilities } from './pools.ts'

const text = { type: 'string' }
const textOrNull = { type: ['string', 'null'] }
const boolean = { type: 'boolean' }

const serviceFields: Record<string, Schema> = {
  binary: text,
  host: text,
  zone: text,
  status: text,
  state: text,
  updated_at: textOrNull,
  disabled_reason: textOrNull,
  replication_status: text,
  active_backend_id: textOrNull,
  frozen: boolean,
  cluster: since('3.7', textOrNull),
  backend_state: since('3.49', text),
}
const listReply: Schema = {
  type: 'object',
  properties: { services: { type: 'array', items: { type: 'object', properties: serviceFields } } },
}
const switchBody: Schema = {
  type: 'object',
  required: ['host'],
  properties: {
    host: { type: 'string', minLength: 1, maxLength: 255 },
    binary: { type: 'string', minLength: 1, maxLength: 255 },
    service: { type: 'string', minLength: 1, maxLength: 255 },
    disabled_reason: { type: 'string', minLength: 1, maxLength: 255 },
  },
}
const hostBody: Schema = { type: 'object', required: ['host'], properties: { host: { ...text, minLength: 1 } } }

const update = 'volume_extension:services:update'

export const serviceRoutes: Route<ApiDeps>[] = [
  {
    method: 'GET',
    path: '/os-services',
    policy: 'volume_extension:services:index',
    reply: listReply,
    status: 200,
    operation: listServices,
  },
  {
    method: 'PUT',
    path: '/os-services/enable',
    policy: update,
    body: switchBody,
    status: 200,
    operation: switchService,
  },
  {
    method: 'PUT',
    path: '/os-services/disable',
    policy: update,
    body: switchBody,
    status: 200,
    operation: switchService,
  },
  {
    method: 'PUT',
    path: '/os-services/disable-log-reason',
    policy: update,
    body: switchBody,
    status: 200,
    operation: switchService,
  },
  {
    method: 'PUT',
    path: '/os-services/freeze',
    policy: 'volume:freeze_host',
    body: hostBody,
    status: 200,
    operation: freezeHost,
  },
  {
    method: 'PUT',
    path: '/os-services/thaw',
    policy: 'volume:thaw_host',
    body: hostBody,
    status: 200,
    operation: freezeHost,
  },
  { method: 'GET', path: '/os-hosts', policy: 'volume_extension:hosts', status: 200, operation: listHosts },
  { method: 'GET', path: '/os-hosts/:host', policy: 'volume_extension:hosts', status: 200, operation: showHost },
  {
    method: 'GET',
    path: '/scheduler-stats/get_pools',
    policy: 'scheduler_extension:scheduler_stats:get_pools',
    status: 200,
    operation: listPools,
  },
  {
    method: 'GET',
    path: '/capabilities/:host',
    policy: 'volume_extension:capabilities',
    status: 200,
    operation: showCapabilities,
  },
  { method: 'GET', path: '/clusters', since: '3.7', policy: 'clusters:get_all', status: 200, operation: listClusters },
  {
    method: 'GET',
    path: '/clusters/detail',
    since: '3.7',
    policy: 'clusters:get_all',
    status: 200,
    operation: listClusters,
  },
  {
    method: 'GET',
    path: '/clusters/:name',
    since: '3.7',
    policy: 'clusters:get',
    status: 200,
    operation: refuseCluster,
  },
  {
    method: 'PUT',
    path: '/clusters/enable',
    since: '3.7',
    policy: 'clusters:update',
    status: 200,
    operation: refuseCluster,
  },
  {
    method: 'PUT',
    path: '/clusters/disable',
    since: '3.7',
    policy: 'clusters:update',
    status: 200,
    operation: refuseCluster,
  },
  {
    method: 'POST',
    path: '/workers/cleanup',
    since: '3.24',
    policy: 'workers:cleanup',
    status: 202,
    operation: cleanUp,
  },
]
