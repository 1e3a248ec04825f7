import { type Context, isoMicroseconds } from '@hearth/core'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import {
  isUp,
  type ReportedStats,
  listServices as readServices,
  type ServiceRow,
  updateService,
} from '../../model/services/store.ts'
import type { ApiDeps } from '../deps.ts'

/** GET /os-services?host=&binary=. A `host` without a backend (`host1`) includes all backends of that host. */
export async function listServices(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const host = queryValue(request.query, 'host')
  const binary = queryValue(request.query, 'binary') ?? queryValue(request.query, 'service')
  const services = (await readServices(deps.database.query)).filter(
    (one) => (host === undefined || onHost(one, host)) && (binary === undefined || one.binary === binary),
  )
  return { services: services.map(serviceView) }
}

function onHost(service: ServiceRow, host: string): boolean {
  return service.host === host || service.host.startsWith(`${host}@`)
}

function serviceView(service: ServiceRow): Record<string, unknown> {
  const view: Record<string, unknown> = {
    binary: service.binary,
    host: service.host,
    zone: service.zone,
    status: service.disabled ? 'disabled' : 'enabled',
    state: isUp(service) ? 'up' : 'down',
    updated_at: isoMicroseconds(service.heartbeat_at),
    disabled_reason: service.disabled_reason,
    cluster: null,
  }
  if (service.binary !== 'cinder-volume') return view
  const stats = service.stats === null ? null : (JSON.parse(service.stats) as ReportedStats)
  return {
    ...view,
    replication_status: 'disabled',
    active_backend_id: null,
    frozen: service.frozen,
    backend_state: stats?.backendState ?? 'up',
  }
}

interface ServiceBody {
  host: string
  binary?: string
  service?: string
  disabled_reason?: string
}

/** PUT /os-services/enable, disable and disable-log-reason. Throws ServiceNotFoundOnHost (404). */
export async function switchService(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const body = request.body as ServiceBody
  const verb = request.url.split('?', 1)[0]!.split('/').at(-1)!
  const disabled = verb !== 'enable'
  const reason = disabled ? readReason(verb, body) : null
  const binary = body.binary ?? body.service ?? ''
  const service = await findService(deps, body.host, binary)
  await updateService(deps.database.query, service.id, { disabled, disabled_reason: reason })
  const status = disabled ? 'disabled' : 'enabled'
  const response: Record<string, unknown> = { host: body.host, service: binary, binary, status, disabled }
  if (verb !== 'disable') response.disabled_reason = reason
  return response
}

function readReason(verb: string, body: ServiceBody): string | null {
  if (verb === 'disable') return null
  const reason = body.disabled_reason?.trim() ?? ''
  if (reason === '' || reason.length > 255) {
    throw errors.InvalidParameter({ reason: 'Disabled reason contains invalid characters or is too long' })
  }
  return reason
}

async function findService(deps: ApiDeps, host: string, binary: string): Promise<ServiceRow> {
  const [service] = await readServices(deps.database.query, { host, binary })
  if (!service) throw errors.ServiceNotFoundOnHost({ service_id: binary, host })
  return service
}

/** PUT /os-services/freeze and thaw: a frozen backend gets no new volumes. Throws InvalidParameter (400). */
export async function freezeHost(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const frozen = request.url.split('?', 1)[0]!.endsWith('/freeze')
  const { host } = request.body as ServiceBody
  const services = await readServices(deps.database.query, { binary: 'cinder-volume' })
  const service = services.find((one) => one.host === host)
  if (!service) throw errors.InvalidParameter({ reason: `Service cinder-volume could not be found on host ${host}.` })
  await updateService(deps.database.query, service.id, { frozen })
  return undefined
}
