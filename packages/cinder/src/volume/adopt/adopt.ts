import type { MessageContext } from '@hearth/bus'
import { move } from '@hearth/database'
import { isDriverError, type ModelUpdate } from '@hearth/driver'
import type { ManageTask } from '../../model/manage/names.ts'
import { snapshotStates } from '../../model/snapshots/states.ts'
import { findSnapshot, snapshotRef } from '../../model/snapshots/store.ts'
import { volumeStates } from '../../model/volumes/states.ts'
import { findVolume, volumeRef } from '../../model/volumes/store.ts'
import type { BackendDeps } from '../deps.ts'

/** Adopts the object of a volume in `managing`: the driver renames it to the volume's name. */
export async function adoptVolume(
  context: MessageContext,
  { volumeId }: { volumeId: string },
  deps: BackendDeps,
): Promise<void> {
  await deps.withLock(volumeId, async () => {
    const { database, backend, log } = deps
    const volume = await findVolume(database.query, volumeId)
    if (volume?.status !== 'managing') return
    const ref = volumeRef(volume)
    const { name } = (JSON.parse(volume.task ?? '{}') as ManageTask).manage
    const row = { table: 'volumes', id: volumeId, states: volumeStates, from: 'managing' }
    let update: ModelUpdate | undefined
    try {
      update = await backend.volume.manage!(ref, { name }).catch(async (error: unknown) => {
        if (!(await isAdopted('volume', ref.name, error, deps))) throw error
        return undefined
      })
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, volumeId, name, requestId: context.requestId }, 'volume could not be adopted')
      await move(database.query, { ...row, to: 'error_managing', set: { task: null } })
      return
    }
    const set = { task: null, launched_at: Date.now(), provider_location: update?.providerLocation ?? null }
    await database.transaction(async (tx) => {
      await move(tx, { ...row, to: 'available', set })
      await tx('unmanaged_objects').where({ host: backend.host, name }).delete()
    })
  })
}

/**
 * Adopts the object of a snapshot in `managing`, which `backend_name` names: the driver renames it to the snapshot's
 * name.
 */
export async function adoptSnapshot(
  context: MessageContext,
  { snapshotId }: { snapshotId: string },
  deps: BackendDeps,
): Promise<void> {
  const { database, backend, log } = deps
  const found = await findSnapshot(database.query, snapshotId)
  if (!found) return
  await deps.withLock(found.volume_id, async () => {
    const snapshot = await findSnapshot(database.query, snapshotId)
    const volume = await findVolume(database.query, found.volume_id)
    if (snapshot?.status !== 'managing' || !volume || snapshot.backend_name === null) return
    const name = snapshot.backend_name
    const ref = snapshotRef({ ...snapshot, backend_name: null }, volume)
    const row = { table: 'snapshots', id: snapshotId, states: snapshotStates, from: 'managing' }
    let update: ModelUpdate | undefined
    try {
      update = await backend.volume.manageSnapshot!(ref, { name }).catch(async (error: unknown) => {
        if (!(await isAdopted('snapshot', ref.name, error, deps))) throw error
        return undefined
      })
    } catch (error) {
      if (deps.signal.aborted) throw error
      log.error({ err: error, snapshotId, name, requestId: context.requestId }, 'snapshot could not be adopted')
      // Without `backend_name`, deleting the snapshot later does not delete the object that could not be adopted.
      await move(database.query, { ...row, to: 'error', set: { backend_name: null } })
      return
    }
    const set = { backend_name: null, progress: '100%', provider_location: update?.providerLocation ?? null }
    await database.transaction(async (tx) => {
      await move(tx, { ...row, to: 'available', set })
      await tx('unmanaged_objects').where({ host: backend.host, name }).delete()
    })
  })
}

/** True if the object is missing because an earlier, interrupted attempt has renamed it already. */
async function isAdopted(
  kind: 'volume' | 'snapshot',
  name: string,
  error: unknown,
  deps: BackendDeps,
): Promise<boolean> {
  if (!isDriverError(error) || error.kind !== 'not-found') return false
  const all = (await deps.backend.volume.list?.()) ?? { volumes: [], snapshots: [] }
  return (kind === 'volume' ? all.volumes : all.snapshots).includes(name)
}
