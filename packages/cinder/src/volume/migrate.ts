import type { MessageContext } from '@hearth/bus'
import { type Blocks, copyBlocks, DriverError, isDriverError } from '@hearth/driver'
import { connectVolume, disconnectVolume } from '../model/topics.ts'
import { abandonMigration, finishMigration, isMigrationTarget, isUnchanged } from '../model/volumes/migration.ts'
import { initiator, openConnectionBlocks, openVolumeBlocks } from '../model/volumes/open-blocks.ts'
import { backendOf, findVolume, updateVolume, type VolumeRow, volumeRef } from '../model/volumes/store.ts'
import type { MigrationTask } from '../model/volumes/tasks.ts'
import type { BackendDeps } from './deps.ts'

/** Number of deliveries of the message while the storage is unavailable; then the migration ends in `error`. */
const maxAttempts = 6

/**
 * Runs on the destination backend: creates the target volume, copies the bytes, then exchanges the locations in the
 * rows. Repeated after a crash it continues from the last checkpoint. On a failure the volume stays on its old backend
 * and its migration ends in `error`.
 */
export async function migrateVolume(
  context: MessageContext,
  input: { volumeId: string },
  attempt: number,
  deps: BackendDeps,
): Promise<void> {
  await deps.withLock(input.volumeId, async () => {
    const { database, bus, log, signal } = deps
    const target = await findVolume(database.query, input.volumeId)
    if (target?.status !== 'creating' || !isMigrationTarget(target)) return
    const task = JSON.parse(target.task ?? '{}') as MigrationTask
    try {
      const made = await make(target, deps)
      await copy(context, made, task, deps)
      const finish = () => database.transaction((tx) => finishMigration(tx, bus, context, made, task))
      if (!(await finish())) throw changedError(task)
    } catch (error) {
      if (signal.aborted || (isUnavailable(error) && attempt < maxAttempts)) throw error
      const about = { err: error, volumeId: task.sourceId, requestId: context.requestId }
      log.error(about, 'volume could not be migrated')
      await database.transaction((tx) => abandonMigration(tx, bus, context, target, task))
    }
  })
}

function isUnavailable(error: unknown): boolean {
  return isDriverError(error) && error.kind === 'unavailable'
}

function changedError({ sourceId }: MigrationTask): DriverError {
  return new DriverError('aborted', `volume ${sourceId} was used or changed while it was copied`)
}

async function make(target: VolumeRow, deps: BackendDeps): Promise<VolumeRow> {
  const update = await deps.backend.volume.create(volumeRef(target), deps.signal)
  const set = {
    provider_location: update?.providerLocation ?? target.provider_location,
    service_uuid: deps.serviceId,
  }
  await updateVolume(deps.database.query, target.id, set)
  return { ...target, ...set }
}

/** Copies the bytes. Each checkpoint saves `task` in the target's row. */
async function copy(context: MessageContext, target: VolumeRow, task: MigrationTask, deps: BackendDeps): Promise<void> {
  const { database, signal } = deps
  const readSource = async (): Promise<VolumeRow> => {
    const now = await findVolume(database.query, task.sourceId)
    if (!isUnchanged(now, task)) throw changedError(task)
    return now
  }
  const source = await openSource(context, await readSource(), deps)
  try {
    // Connecting may have changed the row. Any later change means that the bytes may have changed.
    task.seen = (await readSource()).updated_at
    const into = await openVolumeBlocks(deps.backend, volumeRef(target), 'rw')
    try {
      await copyBlocks(source, into, {
        ...{ targetIsZero: true, from: Math.min(task.copied, source.sizeBytes), signal },
        async onProgress(offset) {
          await readSource()
          task.copied = offset
          await updateVolume(database.query, target.id, { task: JSON.stringify(task) })
        },
      })
    } finally {
      await into.close()
    }
  } finally {
    await source.close()
  }
}

/** Opens the source: by its driver if its backend is in this process, else over the network as an initiator. */
async function openSource(context: MessageContext, source: VolumeRow, deps: BackendDeps): Promise<Blocks> {
  const host = backendOf(source.host!)
  const localBackend = deps.localBackends.get(host)
  if (localBackend) return openVolumeBlocks(localBackend, volumeRef(source), 'r')
  if (localBackend === null) throw new DriverError('unavailable', `the backend ${host} is not open yet`)
  const connection = { volumeId: source.id, attachmentId: null }
  const release = () => deps.bus.call(disconnectVolume, host, connection, context).then(() => undefined)
  const connector = { initiator, host: deps.backend.host.split('@', 1)[0], multipath: false }
  const info = await deps.bus.call(connectVolume, host, { ...connection, connector, mode: 'ro' }, context)
  try {
    const { driver_volume_type, data } = info as { driver_volume_type: string; data: Record<string, unknown> }
    const blocks = await openConnectionBlocks({ kind: 'network', driver_volume_type, data }, 'r')
    return { ...blocks, close: () => blocks.close().finally(release) }
  } catch (error) {
    await release()
    throw error
  }
}
