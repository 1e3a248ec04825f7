import { uuid } from '@hearth/core'
import { type Database, insertIfAbsent, type Query } from '@hearth/database'
import type { BackendStats } from '@hearth/driver'

/** Milliseconds without a heartbeat after which a service counts as down: Cinder's `service_down_time`. */
const downAfterMs = 60_000

export interface ServiceRow {
  id: string
  host: string
  binary: string
  zone: string
  disabled: boolean
  disabled_reason: string | null
  frozen: boolean
  /** JSON of ReportedStats; null for services without a backend. */
  stats: string | null
  heartbeat_at: number
  created_at: number
  updated_at: number | null
}

/** The report of a volume service about its backend. */
export interface ReportedStats extends BackendStats {
  /** Pool (`host1@file#pool`) → GiB of the volumes whose rows are in that pool. */
  allocatedGb: Record<string, number>
  backendName: string
  /** `down` if the backend does not respond; the other fields are then its last report. */
  backendState?: 'up' | 'down'
}

export interface Heartbeat {
  host: string
  binary: string
  zone: string
  stats: ReportedStats | null
}

function serviceOf(row: ServiceRow): ServiceRow {
  row.disabled = Boolean(row.disabled)
  row.frozen = Boolean(row.frozen)
  return row
}

/** Returns the services with these column values, by binary and host. */
export async function listServices(q: Query, where: Partial<ServiceRow> = {}): Promise<ServiceRow[]> {
  return ((await q<ServiceRow>('services').where(where).orderBy(['binary', 'host'])) as ServiceRow[]).map(serviceOf)
}

/** Returns true if the last heartbeat of the service is at most `downAfterMs` old. */
export function isUp(service: ServiceRow, now = Date.now()): boolean {
  return now - service.heartbeat_at <= downAfterMs
}

/** Saves a heartbeat of the service at the time `at`, inserting its row the first time. Returns the id of the row. */
export async function recordHeartbeat(database: Database, heartbeat: Heartbeat, at = Date.now()): Promise<string> {
  const { host, binary, zone, stats } = heartbeat
  const set = { zone, stats: stats && JSON.stringify(stats), heartbeat_at: at }
  return database.transaction(async (tx) => {
    const known = await tx('services').where({ host, binary }).first('id')
    if (known) {
      await tx('services').where({ id: known.id }).update(set)
      return known.id as string
    }
    const id = uuid()
    await insertIfAbsent(tx, 'services', { id, host, binary, created_at: Date.now(), ...set })
    return id
  })
}

/** Records a service that runs but whose backend could not be opened, so that it is shown as down. */
export async function markDown(database: Database, heartbeat: Heartbeat): Promise<void> {
  await recordHeartbeat(database, heartbeat, Date.now() - downAfterMs - 1)
}

/** Records that the service has stopped, so that it is shown as down at once and not after a minute. */
export async function markStopped(q: Query, host: string, binary: string): Promise<void> {
  await q('services')
    .where({ host, binary })
    .update({ heartbeat_at: Date.now() - downAfterMs })
}

/** Updates columns of a service, and `updated_at`. */
export async function updateService(q: Query, id: string, set: Partial<ServiceRow>): Promise<void> {
  await q('services')
    .where({ id })
    .update({ ...set, updated_at: Date.now() })
}

/** Returns pool (`host1@file#pool`) → GiB of its volumes, for all pools of a backend. */
export async function allocatedOn(q: Query, backend: string): Promise<Record<string, number>> {
  const rows = await q('volumes')
    .where('host', 'like', `${backend}#%`)
    .groupBy('host')
    .select('host')
    .sum({ gib: 'size' })
  return Object.fromEntries(
    (rows as { host: string; gib: number | null }[]).map(({ host, gib }) => [host, Number(gib ?? 0)]),
  )
}
