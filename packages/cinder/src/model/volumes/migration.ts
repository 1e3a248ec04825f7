import type { Bus, MessageContext } from '@hearth/bus'
import { uuid } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import { listAttachments } from '../attachments/store.ts'
import { snapshotsOf } from '../snapshots/store.ts'
import { deleteVolume, migrateVolume } from '../topics.ts'
import { endRetype } from './retype-outcome.ts'
import { volumeStates } from './states.ts'
import { backendOf, createVolumeRow, findVolume, lockVolume, updateVolume, type VolumeRow, volumeRef } from './store.ts'
import type { MigrationTask, RetypeTask } from './tasks.ts'

/** Values of `migration_status` while no migration runs: one may begin, and other operations are allowed. */
export const idleMigrationStatuses = [null, 'deleting', 'error', 'success']

/** Returns true if the row is a migration target, which its owner does not see, and not a volume of its own. */
export function isMigrationTarget(volume: VolumeRow): boolean {
  return volume.migration_status?.startsWith('target:') ?? false
}

/**
 * Inserts the row of the migration target and casts it to the destination backend. The target takes no quota: the
 * volume is counted once, by the row that its owner sees.
 */
export async function beginMigration(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  input: { source: VolumeRow; host: string; typeId: string | null },
): Promise<void> {
  const { source, host, typeId } = input
  const task: MigrationTask = { sourceId: source.id, seen: null, copied: 0 }
  const target = await createVolumeRow(tx, {
    id: uuid(),
    project_id: source.project_id,
    user_id: source.user_id,
    name: source.name,
    size: source.size,
    status: 'creating',
    migration_status: `target:${source.id}`,
    host,
    availability_zone: source.availability_zone,
    volume_type_id: typeId,
    use_quota: false,
    task: JSON.stringify(task),
  })
  await updateVolume(tx, source.id, { migration_status: 'migrating' })
  await bus.cast(tx, migrateVolume, backendOf(host), { volumeId: target.id }, context)
}

/** Returns true if the source is unchanged since copying began and its migration has not been ended. */
export function isUnchanged(source: VolumeRow | undefined, task: MigrationTask): source is VolumeRow {
  return source?.migration_status === 'migrating' && (task.seen === null || source.updated_at === task.seen)
}

/**
 * Exchanges the locations of the two rows in one transaction: the volume gets the destination, and the target's row
 * gets the old location, where it is then deleted. Returns false if the source was changed or used in the meantime.
 */
export async function finishMigration(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  target: VolumeRow,
  task: MigrationTask,
): Promise<boolean> {
  const source = await lockVolume(tx, task.sourceId)
  const dependents =
    (await listAttachments(tx, { volume_id: source.id })).length + (await snapshotsOf(tx, source.id)).length
  if (!isUnchanged(source, task) || dependents > 0) return false
  await endMigration(tx, source, 'success', {
    ...locationOf(target),
    backend_name: volumeRef(target).name,
    provider_auth: null,
  })
  const oldLocation = { ...locationOf(source), backend_name: volumeRef(source).name, migration_status: 'deleting' }
  await deleteTarget(tx, bus, context, { ...target, ...oldLocation }, oldLocation)
  return true
}

/** Ends a migration in `error`: the volume stays on its backend, and the target is deleted. */
export async function abandonMigration(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  target: VolumeRow,
  task: MigrationTask,
): Promise<void> {
  const source = await findVolume(tx, task.sourceId)
  // If an administrator has ended or reset the migration already, that result stays.
  if (source?.migration_status === 'migrating') await endMigration(tx, source, 'error', {})
  await deleteTarget(tx, bus, context, target, { migration_status: 'deleting' })
}

/** Ends the migration on the volume's own row, and with it the retype or the maintenance that it was part of. */
export async function endMigration(
  tx: Transaction,
  source: VolumeRow,
  outcome: 'success' | 'error',
  location: Partial<Omit<VolumeRow, 'status'>>,
): Promise<void> {
  // Another operation that has begun in the meantime keeps its task.
  const clearedTask = ['available', 'maintenance'].includes(source.status) ? { task: null } : {}
  await updateVolume(tx, source.id, { migration_status: outcome, ...clearedTask, ...location })
  if (source.status === 'retyping') {
    await endRetype(tx, source, JSON.parse(source.task ?? '{}') as RetypeTask, outcome === 'success')
  }
  const set = { previous_status: null, task: null }
  const [states, from] = [volumeStates, 'maintenance']
  await move(tx, { table: 'volumes', id: source.id, to: 'available', states, from, set })
}

function locationOf(volume: VolumeRow): Pick<VolumeRow, 'host' | 'provider_location' | 'provider_id' | 'service_uuid'> {
  const { host, provider_location, provider_id, service_uuid } = volume
  return { host, provider_location, provider_id, service_uuid }
}

async function deleteTarget(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  target: VolumeRow,
  set: Record<string, unknown>,
): Promise<void> {
  const change = { table: 'volumes', id: target.id, to: 'deleting', states: volumeStates, from: 'creating' }
  if (!(await move(tx, { ...change, set: { ...set, task: null } }))) return
  await bus.cast(tx, deleteVolume, backendOf(target.host!), { volumeId: target.id }, context)
}
