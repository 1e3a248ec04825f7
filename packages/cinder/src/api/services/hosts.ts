import { type Context, isoMicroseconds } from '@hearth/core'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { isUp, listServices } from '../../model/services/store.ts'
import type { ApiDeps } from '../deps.ts'

/** GET /os-hosts?zone=: lists each service as a host. Deprecated in upstream, but clients still use it. */
export async function listHosts(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const zone = queryValue(request.query, 'zone')
  const services = (await listServices(deps.database.query)).filter((one) => zone === undefined || one.zone === zone)
  const hosts = services.map((service) => ({
    host_name: service.host,
    service: service.binary,
    zone: service.zone,
    'service-status': isUp(service) ? 'available' : 'unavailable',
    'service-state': service.disabled ? 'disabled' : 'enabled',
    'last-update': isoMicroseconds(service.heartbeat_at),
  }))
  return { hosts }
}

interface Count {
  project_id: string
  count: number
  gib: number | null
}

/** GET /os-hosts/{host}: numbers and GiB of the volumes and snapshots there, in total and by project. Throws 404. */
export async function showHost(_context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const { host = '' } = request.params
  const known = (await listServices(q)).some((service) => service.host === host)
  if (!known) throw errors.HostNotFound({ host })
  const placed = () => q('volumes').where((either) => either.where('host', host).orWhere('host', 'like', `${host}#%`))
  const volumes = (await placed()
    .groupBy('project_id')
    .select('project_id')
    .count({ count: '*' })
    .sum({ gib: 'size' })) as unknown as Count[]
  const snapshots = (await q('snapshots')
    .whereIn('volume_id', placed().select('id'))
    .groupBy('project_id')
    .select('project_id')
    .count({ count: '*' })
    .sum({ gib: 'size' })) as unknown as Count[]
  const projects = [...new Set([...volumes, ...snapshots].map((row) => row.project_id))]
  const resources = projects.map((project) => {
    const own = (rows: Count[]) => rows.filter((row) => row.project_id === project)
    return resource(host, project, own(volumes), own(snapshots))
  })
  return { host: [resource(host, '(total)', volumes, snapshots), ...resources] }
}

function resource(host: string, project: string, volumes: Count[], snapshots: Count[]): object {
  const sum = (rows: Count[], key: 'count' | 'gib') =>
    String(rows.reduce((total, row) => total + Number(row[key] ?? 0), 0))
  return {
    resource: {
      host,
      project,
      volume_count: sum(volumes, 'count'),
      total_volume_gb: sum(volumes, 'gib'),
      snapshot_count: sum(snapshots, 'count'),
      total_snapshot_gb: sum(snapshots, 'gib'),
    },
  }
}
