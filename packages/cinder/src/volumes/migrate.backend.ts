import type { MessageContext } from '@hearth/bus'
import { type Blocks, copyBlocks, DriverError, isDriverError } from '@hearth/driver'
import { connectVolume, disconnectVolume } from '../topics.ts'
import type { BackendDeps } from './backend-deps.ts'
import { abandonMigration, finishMigration, isMigrationTarget, isUntouched, type MigrationTask } from './migration.ts'
import { initiator, openConnected, reachBytes } from './reach-bytes.backend.ts'
import { backendOf, findVolume, updateVolume, type VolumeRow, volumeRef } from './store.ts'

/** Storage that does not answer may do so when it is asked again. */
const mostAttempts = 6

/**
 * Runs beside the new place: makes the volume there, copies the bytes, exchanges the places. Asked again after a crash it goes
 * on from the last checkpoint; when it cannot go on, the volume stays where it was and says `error`.
 */
export async function migrateVolume(
  context: MessageContext,
  input: { volumeId: string },
  attempt: number,
  deps: BackendDeps,
): Promise<void> {
  await deps.exclusive(input.volumeId, async () => {
    const { database, bus, log, signal } = deps
    const target = await findVolume(database.query, input.volumeId)
    if (target?.status !== 'creating' || !isMigrationTarget(target)) return
    const task = JSON.parse(target.task ?? '{}') as MigrationTask
    try {
      const made = await make(target, deps)
      await copy(context, made, task, deps)
      const finish = () => database.transaction((tx) => finishMigration(tx, bus, context, made, task))
      if (!(await finish())) throw touched(task)
    } catch (error) {
      if (signal.aborted || (isAway(error) && attempt < mostAttempts)) throw error
      const about = { err: error, volumeId: task.sourceId, requestId: context.requestId }
      log.error(about, 'volume could not be migrated')
      await database.transaction((tx) => abandonMigration(tx, bus, context, target, task))
    }
  })
}

function isAway(error: unknown): boolean {
  return isDriverError(error) && error.kind === 'unavailable'
}

function touched({ sourceId }: MigrationTask): DriverError {
  return new DriverError('aborted', `volume ${sourceId} was put to other use while it was copied`)
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

/** `task` is kept with the row of the new place as copying goes on. */
async function copy(context: MessageContext, target: VolumeRow, task: MigrationTask, deps: BackendDeps): Promise<void> {
  const { database, signal } = deps
  const look = async (): Promise<VolumeRow> => {
    const now = await findVolume(database.query, task.sourceId)
    if (!isUntouched(now, task)) throw touched(task)
    return now
  }
  const source = await reachSource(context, await look(), deps)
  try {
    // Being connected to may have changed the row; from here on nothing else may.
    task.seen = (await look()).updated_at
    const into = await reachBytes(deps.backend, volumeRef(target), 'rw')
    try {
      await copyBlocks(source, into, {
        ...{ targetIsZero: true, from: Math.min(task.copied, source.sizeBytes), signal },
        async onProgress(offset) {
          await look()
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

/** The bytes of the old place: by its own driver where this process has it, else as an initiator of its host. */
async function reachSource(context: MessageContext, source: VolumeRow, deps: BackendDeps): Promise<Blocks> {
  const host = backendOf(source.host!)
  const here = deps.neighbours.get(host)
  if (here) return reachBytes(here, volumeRef(source), 'r')
  if (here === null) throw new DriverError('unavailable', `the backend ${host} is not open yet`)
  const connection = { volumeId: source.id, attachmentId: null }
  const release = () => deps.bus.call(disconnectVolume, host, connection, context).then(() => undefined)
  const connector = { initiator, host: deps.backend.host.split('@', 1)[0], multipath: false }
  const info = await deps.bus.call(connectVolume, host, { ...connection, connector, mode: 'ro' }, context)
  try {
    const { driver_volume_type, data } = info as { driver_volume_type: string; data: Record<string, unknown> }
    const blocks = await openConnected({ kind: 'network', driver_volume_type, data }, 'r')
    return { ...blocks, close: () => blocks.close().finally(release) }
  } catch (error) {
    await release()
    throw error
  }
}
