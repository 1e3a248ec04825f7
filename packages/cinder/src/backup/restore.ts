import type { MessageContext } from '@hearth/bus'
import { move, type Transaction } from '@hearth/database'
import { type BackupStore, DriverError } from '@hearth/driver'
import { backupStates } from '../model/backups/states.ts'
import { type BackupRow, chainOf, findBackup, getBackup } from '../model/backups/store.ts'
import { addMessage } from '../model/messages/store.ts'
import { volumeStates } from '../model/volumes/states.ts'
import { findVolume, type VolumeRow, writeMetadata } from '../model/volumes/store.ts'
import type { RestoreTask } from '../model/volumes/tasks.ts'
import type { BackupDeps } from './deps.ts'
import { type Metadata, metadataName, readMetadata, type VolumeMeta } from './format/format.ts'
import { withTarget } from './source.ts'
import { restoreCheck } from './wanted.ts'
import { isWhole, restoreWhole } from './whole.ts'
import { writeBack } from './write-back.ts'

/** Writes a backup to a volume in `restoring-backup`. Repeating it writes the same bytes again. */
export async function restoreBackup(
  context: MessageContext,
  input: { backupId: string; volumeId: string },
  deps: BackupDeps,
): Promise<void> {
  await deps.exclusive(input.volumeId, () =>
    deps.slots.run(async () => {
      const volume = await findVolume(deps.database.query, input.volumeId)
      const task = volume?.status === 'restoring-backup' ? taskOf(volume) : undefined
      if (volume && task?.backupId === input.backupId) await restore(context, volume, task, deps)
      else await deps.database.transaction((tx) => settleBackup(tx, input.backupId))
    }),
  )
}

function taskOf(volume: VolumeRow): RestoreTask['restore'] | undefined {
  return (JSON.parse(volume.task ?? '{}') as Partial<RestoreTask>).restore
}

async function restore(context: MessageContext, volume: VolumeRow, task: RestoreTask['restore'], deps: BackupDeps) {
  try {
    const backup = await getBackup(deps.database.query, task.backupId)
    const store = await deps.store(backup.project_id)
    const write = isWhole(backup) ? restoreWhole : writeChain
    const meta = await write(backup, volume, task.fresh, store, deps)
    await deps.database.transaction((tx) => finish(tx, volume, task, meta))
  } catch (error) {
    if (deps.signal.aborted) throw error
    deps.log.error({ err: error, volumeId: volume.id, requestId: context.requestId }, 'a backup could not be restored')
    await deps.database.transaction((tx) => fail(tx, context, volume, task.backupId))
  }
}

/** Writes the full backup first, then each increment. Returns the metadata of the volume that the backup contains. */
async function writeChain(
  backup: BackupRow,
  volume: VolumeRow,
  fresh: boolean,
  store: BackupStore,
  deps: BackupDeps,
): Promise<VolumeMeta | null> {
  const steps: { row: BackupRow; metadata: Metadata }[] = []
  for (const row of await chainOf(deps.database.query, backup)) {
    steps.push({ row, metadata: await readChecked(row, store, deps) })
  }
  const check = restoreCheck(volume, deps)
  await withTarget(volume, deps, async (target) => {
    for (const [index, { row, metadata }] of steps.entries()) {
      const { objects } = metadata
      // Zeros of a later backup must be written: they replace bytes of the earlier one.
      const sparse = fresh && index === 0
      await writeBack({ target, container: row.container!, objects, sparse, store, check }, deps)
    }
  })
  return steps.at(-1)!.metadata.volumeMeta
}

/** The metadata document; every object it names must be there before a byte of the volume is touched. */
async function readChecked(row: BackupRow, store: BackupStore, deps: BackupDeps): Promise<Metadata> {
  const { container, service_metadata: prefix } = row
  const metadata = readMetadata(await store.get(container!, metadataName(prefix!), deps.signal))
  const there = new Set(await store.list(container!, prefix!))
  const missing = metadata.objects.find(({ name }) => !there.has(name))
  if (missing) throw new DriverError('not-found', `object ${missing.name} of backup ${row.id} is gone`)
  return metadata
}

async function finish(tx: Transaction, volume: VolumeRow, task: RestoreTask['restore'], meta: VolumeMeta | null) {
  const image = meta?.['volume-glance-metadata'] ?? {}
  const base = meta?.['volume-base-metadata'] ?? {}
  const bootable = Object.keys(image).length > 0 || base.bootable === true
  const set: Record<string, unknown> = { task: null, bootable: bootable || volume.bootable, launched_at: Date.now() }
  // A name that the restore itself made up gives way to the original's.
  if (volume.name?.startsWith('restore_backup_')) {
    set.name = typeof base.display_name === 'string' ? base.display_name : volume.name
    set.description = typeof base.display_description === 'string' ? base.display_description : volume.description
  }
  const from = 'restoring-backup'
  const ended = await move(tx, { table: 'volumes', id: volume.id, to: 'available', states: volumeStates, from, set })
  if (ended) {
    const mark: Record<string, string> = task.fresh ? { src_backup_id: task.backupId } : {}
    await writeMetadata(tx, volume.id, 'user', { ...meta?.['volume-metadata'], ...mark })
    await writeMetadata(tx, volume.id, 'image', image)
  }
  await settleBackup(tx, task.backupId)
}

async function fail(tx: Transaction, context: MessageContext, volume: VolumeRow, backupId: string): Promise<void> {
  const set = { task: null }
  const from = 'restoring-backup'
  const to = 'error_restoring'
  if (await move(tx, { table: 'volumes', id: volume.id, to, states: volumeStates, from, set })) {
    await addMessage(tx, {
      projectId: volume.project_id,
      action: 'restore-backup',
      detail: 'restore-failed',
      resourceType: 'VOLUME_BACKUP',
      resourceId: backupId,
      requestId: context.requestId,
    })
  }
  await settleBackup(tx, backupId)
}

/** Makes the backup available again once no volume is restored from it. */
export async function settleBackup(tx: Transaction, backupId: string): Promise<void> {
  const backup = await findBackup(tx, backupId)
  if (backup?.status !== 'restoring') return
  const busy = await tx('volumes')
    .where({ status: 'restoring-backup' })
    .where('task', 'like', `%"${backupId}"%`)
    .first()
  if (busy) return
  const set = { restore_volume_id: null }
  const from = 'restoring'
  await move(tx, { table: 'backups', id: backupId, to: 'available', states: backupStates, from, set })
}
