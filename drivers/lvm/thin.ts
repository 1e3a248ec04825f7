import { type Backend, ensureUnused, getFinished, removeOurs } from './backend.ts'
import { failureOf } from './failures.ts'
import type { Outcome } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { keeperName, plainName } from './names.ts'
import { restoreSnapshot } from './recovery.ts'
import { markTag, volumeTag } from './tags.ts'

/** Makes a blank volume. It needs no mark: one LVM command makes it complete. */
export async function createThin(backend: Backend, logical: string, bytes: number): Promise<void> {
  const { group, pool } = backend
  await backend.ensureRoom(plainName(logical))
  const command = `lvcreate -qq -y -an -T -V ${bytes}b -n ${logical} ${group.name}/${pool}`
  getFinished(await group.perform({ commands: [command], activate: [logical] }), logical, { bytes, isActive: true })
}

/** Takes a snapshot of a thin volume. */
export async function snapshotThin(backend: Backend, logical: string, source: LogicalVolume): Promise<void> {
  await backend.ensureRoom(plainName(logical))
  const command = `lvcreate -qq -y -an -s -n ${logical} ${backend.group.name}/${source.name}`
  getFinished(await backend.group.perform({ commands: [command] }), logical, { bytes: source.sizeBytes })
}

/** Makes a volume that shares its blocks with a thin volume or snapshot; marked as unfinished until it has its size. */
export async function cloneThin(
  backend: Backend,
  logical: string,
  { source, bytes }: { source: LogicalVolume; bytes: number },
): Promise<void> {
  const { group } = backend
  await backend.ensureRoom(plainName(logical))
  const grows = bytes > source.sizeBytes
  const mark = markTag('making', backend.owner)
  const path = `${group.name}/${logical}`
  const commands = [
    `lvcreate -qq -y -an -kn -s${grows ? ` --addtag ${mark}` : ''} -n ${logical} ${group.name}/${source.name}`,
    ...(grows
      ? [`lvextend -qq -y -L ${bytes}b ${path}`, `lvchange -qq -Slv_size>=${bytes}b --deltag ${mark} ${path}`]
      : []),
  ]
  const outcome = await group.perform({ commands, activate: [logical] })
  try {
    getFinished(outcome, logical, { bytes, isActive: true })
  } catch (error) {
    await removeOurs(backend, [logical])
    throw error
  }
}

/** Extends a thin volume or snapshot to `bytes`. */
export async function growThin(backend: Backend, logical: string, bytes: number): Promise<void> {
  const command = `lvextend -qq -y -L ${bytes}b ${backend.group.name}/${logical}`
  getFinished(await backend.group.perform({ commands: [command] }), logical, { bytes })
}

/** Removes a thin volume or snapshot. Throws `busy` when it is in use. */
export async function removeThin(backend: Backend, found: LogicalVolume): Promise<void> {
  await ensureUnused(backend, found, 'deleted')
  const outcome = await backend.group.perform({ remove: [found.name] })
  if (outcome.find(found.name)) throw failureOf(outcome.said, `Deleting ${plainName(found.name)}`)
}

/**
 * Reverts a volume to a thin snapshot. The merge gives the snapshot's blocks to the volume in one step and removes the
 * snapshot, so a copy of it is made before and becomes the snapshot. The merged snapshot is first grown to the volume's
 * size, so that the volume does not shrink.
 */
export async function revertThin(backend: Backend, volume: LogicalVolume, snapshot: LogicalVolume): Promise<void> {
  await ensureUnused(backend, volume, 'reverted')
  const { group } = backend
  const keeper = keeperName(snapshot.name)
  const copied = await copySnapshot(backend, { volume, snapshot, keeper })
  try {
    if (copied.find(volume.name)?.active || copied.find(snapshot.name)?.active) {
      throw failureOf(copied.said || 'still in use', `Reverting ${plainName(volume.name)}`)
    }
    if (snapshot.sizeBytes < volume.sizeBytes) await growThin(backend, snapshot.name, volume.sizeBytes)
    await merge(backend, { volume, snapshot, keeper })
  } catch (error) {
    await restoreSnapshot(backend, snapshot.name)
    await group.perform({ activate: [volume.name] })
    throw error
  }
}

interface Merge {
  volume: LogicalVolume
  snapshot: LogicalVolume
  keeper: string
}

/**
 * Copies the snapshot and deactivates snapshot and volume, as the merge requires. LVM loses the origin of the other
 * snapshots when the volume's blocks are exchanged, so a tag on each of them names the volume.
 */
async function copySnapshot(backend: Backend, { volume, snapshot, keeper }: Merge): Promise<Outcome> {
  const { group, owner } = backend
  const volumeMark = volumeTag(volume.name)
  const outcome = await group.perform({
    commands: [
      `lvchange -qq --addtag ${volumeMark} -Sorigin=${volume.name}&&lv_name=~^_snapshot- ${group.name}`,
      `lvcreate -qq -y -an -s --addtag ${markTag('keeping', owner)} --addtag ${volumeMark} -n ${keeper} ${group.name}/${snapshot.name}`,
      `lvchange -qq -an ${group.name}/${volume.name} ${group.name}/${snapshot.name}`,
    ],
  })
  if (outcome.find(keeper)) return outcome
  await group.perform({ activate: [volume.name] })
  throw failureOf(outcome.said, `Copying ${plainName(snapshot.name)}`)
}

async function merge(backend: Backend, { volume, snapshot, keeper }: Merge): Promise<void> {
  const { name } = backend.group
  const outcome = await backend.group.perform({
    commands: [
      `lvconvert -qq -y --merge ${name}/${snapshot.name}`,
      `lvrename -qq ${name}/${keeper} ${name}/${snapshot.name}`,
      `lvchange -qq --deltag ${markTag('keeping', backend.owner)} ${name}/${snapshot.name}`,
    ],
    activate: [volume.name],
  })
  if (outcome.find(keeper) || !outcome.find(snapshot.name)) {
    throw failureOf(outcome.said, `Reverting ${plainName(volume.name)}`)
  }
  getFinished(outcome, volume.name, { bytes: volume.sizeBytes, isActive: true })
}
