import type { Bus, MessageContext } from '@hearth/bus'
import { uuid } from '@hearth/core'
import { move, type Transaction } from '@hearth/database'
import { listAttachments } from '../attachments/store.ts'
import { snapshotsOf } from '../snapshots/store.ts'
import { deleteVolume, migrateVolume } from '../topics.ts'
import type { RetypeTask } from './retype.ts'
import { endRetype } from './retype-outcome.ts'
import { volumeStates } from './states.ts'
import { backendOf, createVolumeRow, findVolume, lockVolume, updateVolume, type VolumeRow, volumeRef } from './store.ts'

/** `task` of the row that stands for a volume's new place while its bytes are on the way there. */
export interface MigrationTask {
  sourceId: string
  /** `updated_at` of the source when its bytes were first read; any other since means that they may have changed. */
  seen: number | null
  /** Everything before this byte is in the new place, on stable storage. */
  copied: number
}

/** Not under way: a migration may begin and other work go on. */
export const settled = [null, 'deleting', 'error', 'success']

/** Whether the row is a new place, hidden from its owner, and not a volume of its own. */
export function isMigrationTarget(volume: VolumeRow): boolean {
  return volume.migration_status?.startsWith('target:') ?? false
}

/**
 * Makes the row of the new place and hands it to the backend there. The row costs no quota: the bytes are counted once, where
 * their owner sees them.
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

/** Whether the bytes of the source are what they were when copying began, and the migration is still wanted. */
export function isUntouched(source: VolumeRow | undefined, task: MigrationTask): source is VolumeRow {
  return source?.migration_status === 'migrating' && (task.seen === null || source.updated_at === task.seen)
}

/**
 * The volume takes the new place and the row of the new place the old one, to be deleted there: one transaction, after which
 * both names lead where they should. False when the source was touched in the meantime.
 */
export async function finishMigration(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  target: VolumeRow,
  task: MigrationTask,
): Promise<boolean> {
  const source = await lockVolume(tx, task.sourceId)
  const tied = (await listAttachments(tx, { volume_id: source.id })).length + (await snapshotsOf(tx, source.id)).length
  if (!isUntouched(source, task) || tied > 0) return false
  await release(tx, source, 'success', {
    ...placeOf(target),
    backend_name: volumeRef(target).name,
    provider_auth: null,
  })
  const left = { ...placeOf(source), backend_name: volumeRef(source).name, migration_status: 'deleting' }
  await discard(tx, bus, context, { ...target, ...left }, left)
  return true
}

/** The volume stays where it is; what was made at the new place goes. */
export async function abandonMigration(
  tx: Transaction,
  bus: Bus,
  context: MessageContext,
  target: VolumeRow,
  task: MigrationTask,
): Promise<void> {
  const source = await findVolume(tx, task.sourceId)
  // An administrator who reset it has had the last word.
  if (source?.migration_status === 'migrating') await release(tx, source, 'error', {})
  await discard(tx, bus, context, target, { migration_status: 'deleting' })
}

/** Ends the migration on the row its owner sees, and with it the retype or the maintenance it was part of. */
export async function release(
  tx: Transaction,
  source: VolumeRow,
  outcome: 'success' | 'error',
  place: Partial<Omit<VolumeRow, 'status'>>,
): Promise<void> {
  // Other work that has begun meanwhile keeps its task.
  const wish = ['available', 'maintenance'].includes(source.status) ? { task: null } : {}
  await updateVolume(tx, source.id, { migration_status: outcome, ...wish, ...place })
  if (source.status === 'retyping') {
    await endRetype(tx, source, JSON.parse(source.task ?? '{}') as RetypeTask, outcome === 'success')
  }
  const set = { previous_status: null, task: null }
  const [states, from] = [volumeStates, 'maintenance']
  await move(tx, { table: 'volumes', id: source.id, to: 'available', states, from, set })
}

function placeOf(volume: VolumeRow): Pick<VolumeRow, 'host' | 'provider_location' | 'provider_id' | 'service_uuid'> {
  const { host, provider_location, provider_id, service_uuid } = volume
  return { host, provider_location, provider_id, service_uuid }
}

async function discard(
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
