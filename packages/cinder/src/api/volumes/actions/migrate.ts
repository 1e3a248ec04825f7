import type { Context } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../../model/errors.ts'
import { isUp, listServices } from '../../../model/services/store.ts'
import { snapshotsOf } from '../../../model/snapshots/store.ts'
import { messageContext, scheduleMigration, schedulerTarget } from '../../../model/topics.ts'
import { endMigration, idleMigrationStatuses } from '../../../model/volumes/migration.ts'
import { volumeStates } from '../../../model/volumes/states.ts'
import { backendOf, getVolume, lockVolume, updateVolume, type VolumeRow } from '../../../model/volumes/store.ts'
import type { MigrationRequest } from '../../../model/volumes/tasks.ts'
import type { ApiDeps } from '../../deps.ts'
import { getVolumeFor } from '../authorize.ts'
import { isTruthy } from '../schema.ts'

interface MigrateBody {
  host?: string
  cluster?: string
  force_host_copy?: boolean | string
  lock_volume?: boolean | string
}

const rule = 'volume_extension:volume_admin_actions'

/** os-migrate_volume: moves a volume to another backend. Hearth always copies, so `force_host_copy` has no effect. */
export async function migrateVolume(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const q = deps.database.query
  const { id } = await getVolumeFor(context, q, request.params.id!, `${rule}:migrate_volume`)
  const body = (request.body as { 'os-migrate_volume': MigrateBody })['os-migrate_volume']
  const host = body.host ?? body.cluster
  if (!host) throw errors.InvalidInput({ reason: 'host or cluster must be specified.' })
  await checkService(deps, host)
  await deps.database.transaction(async (tx) => {
    const volume = await lockVolume(tx, id)
    await checkMigration(tx, volume, host)
    await begin(tx, volume, host, isTruthy(body.lock_volume))
    await deps.bus.cast(tx, scheduleMigration, schedulerTarget, { volumeId: id, host }, messageContext(context))
  })
  return undefined
}

async function checkService(deps: ApiDeps, host: string): Promise<void> {
  const services = await listServices(deps.database.query, { binary: 'cinder-volume', host: backendOf(host) })
  if (services.some((service) => isUp(service) && !service.disabled)) return
  throw errors.InvalidHost({ reason: `No available service named '${host}'` })
}

async function checkMigration(tx: Transaction, volume: VolumeRow, host: string): Promise<void> {
  const isOtherBackend = volume.host !== null && backendOf(volume.host) !== backendOf(host)
  const isMovable =
    ['available', 'in-use'].includes(volume.status) &&
    idleMigrationStatuses.includes(volume.migration_status) &&
    volume.group_id === null &&
    volume.consistencygroup_id === null &&
    (await snapshotsOf(tx, volume.id)).length === 0
  if (!isMovable || !isOtherBackend) {
    const reason =
      `Volume ${volume.id} status must be available or in-use, must not be migrating, have snapshots, ` +
      'be replicated, be part of a group and destination host/cluster must be different than the current one'
    throw errors.InvalidVolume({ reason })
  }
  if (volume.status === 'in-use') {
    const reason = `Volume ${volume.id} is in use. Only Compute can migrate an attached volume, and Hearth does not ask it to. Detach the volume first.`
    throw errors.InvalidVolume({ reason })
  }
}

async function begin(tx: Transaction, volume: VolumeRow, host: string, lock: boolean): Promise<void> {
  const request: MigrationRequest = { migrateTo: host }
  const { id, status: from } = volume
  await updateVolume(tx, id, { migration_status: 'starting', task: JSON.stringify(request) })
  if (!lock) return
  const set = { previous_status: from }
  await move(tx, { table: 'volumes', id, to: 'maintenance', states: volumeStates, from, set })
}

/**
 * os-migrate_volume_completion: with `error` it ends the migration; without it does nothing, because the copy completes
 * by itself. Returns the id of the volume that has the bytes in the end.
 */
export async function completeMigration(context: Context, request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const q = deps.database.query
  const volume = await getVolumeFor(context, q, request.params.id!, `${rule}:migrate_volume_completion`)
  const body = (request.body as { 'os-migrate_volume_completion': { new_volume: string; error?: boolean | string } })[
    'os-migrate_volume_completion'
  ]
  const target = await getVolume(q, body.new_volume)
  if (volume.migration_status === null && target.migration_status === null) return { save_volume_id: target.id }
  const refuse = (reason: string) => errors.InvalidVolume({ reason })
  if (volume.migration_status === null) throw refuse('Source volume not mid-migration.')
  if (target.migration_status === null) throw refuse('Destination volume not mid-migration.')
  const expected = `target:${volume.id}`
  if (target.migration_status !== expected) {
    throw refuse(`Destination has migration_status ${target.migration_status}, expected ${expected}.`)
  }
  if (isTruthy(body.error)) {
    // The copy sees that the migration has ended, and removes its target.
    await deps.database.transaction(async (tx) => {
      const locked = await lockVolume(tx, volume.id)
      if (locked.migration_status === 'migrating') await endMigration(tx, locked, 'error', {})
    })
  }
  return { save_volume_id: volume.id }
}
