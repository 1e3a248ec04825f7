import { type Backend, ensureUnused, finished, removeOurs } from './backend.ts'
import { failureOf } from './failures.ts'
import type { Outcome } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { keeperName, plainName } from './names.ts'
import { restoreSnapshot } from './settle.ts'
import { markTag, volumeTag } from './tags.ts'

/** A blank volume is whole with the one entry that LVM makes of it. */
export async function createThin(backend: Backend, logical: string, bytes: number): Promise<void> {
  const { group, pool } = backend
  await backend.ensureRoom(plainName(logical))
  const command = `lvcreate -qq -y -an -T -V ${bytes}b -n ${logical} ${group.name}/${pool}`
  finished(await group.perform({ commands: [command], activate: [logical] }), logical, { bytes, activeToo: true })
}

export async function snapshotThin(backend: Backend, logical: string, source: LogicalVolume): Promise<void> {
  await backend.ensureRoom(plainName(logical))
  const command = `lvcreate -qq -y -an -s -n ${logical} ${backend.group.name}/${source.name}`
  finished(await backend.group.perform({ commands: [command] }), logical, { bytes: source.sizeBytes })
}

/** A volume that shares its blocks with a thin volume or snapshot; while it is smaller than asked for it is marked. */
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
    finished(outcome, logical, { bytes, activeToo: true })
  } catch (error) {
    await removeOurs(backend, [logical])
    throw error
  }
}

export async function growThin(backend: Backend, logical: string, bytes: number): Promise<void> {
  const command = `lvextend -qq -y -L ${bytes}b ${backend.group.name}/${logical}`
  finished(await backend.group.perform({ commands: [command] }), logical, { bytes })
}

export async function removeThin(backend: Backend, found: LogicalVolume): Promise<void> {
  await ensureUnused(backend, found, 'deleted')
  const outcome = await backend.group.perform({ remove: [found.name] })
  if (outcome.find(found.name)) throw failureOf(outcome.said, `Deleting ${plainName(found.name)}`)
}

/**
 * Merging a thin snapshot gives its blocks to the volume in one step and takes the snapshot away: a copy of it, made
 * before, becomes the snapshot. The merged one is first grown to the volume's size, which the volume keeps so.
 */
export async function revertThin(backend: Backend, volume: LogicalVolume, snapshot: LogicalVolume): Promise<void> {
  await ensureUnused(backend, volume, 'reverted')
  const { group } = backend
  const keeper = keeperName(snapshot.name)
  const kept = await keepSnapshot(backend, { volume, snapshot, keeper })
  try {
    if (kept.find(volume.name)?.active || kept.find(snapshot.name)?.active) {
      throw failureOf(kept.said || 'still in use', `Reverting ${plainName(volume.name)}`)
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
 * Copies the snapshot and takes both devices away, which merging needs. LVM forgets what the other snapshots belong to
 * when the volume's blocks are exchanged: it is kept with them.
 */
async function keepSnapshot(backend: Backend, { volume, snapshot, keeper }: Merge): Promise<Outcome> {
  const { group, owner } = backend
  const belongs = volumeTag(volume.name)
  const outcome = await group.perform({
    commands: [
      `lvchange -qq --addtag ${belongs} -Sorigin=${volume.name}&&lv_name=~^_snapshot- ${group.name}`,
      `lvcreate -qq -y -an -s --addtag ${markTag('keeping', owner)} --addtag ${belongs} -n ${keeper} ${group.name}/${snapshot.name}`,
      `lvchange -qq -an ${group.name}/${volume.name} ${group.name}/${snapshot.name}`,
    ],
  })
  if (outcome.find(keeper)) return outcome
  await group.perform({ activate: [volume.name] })
  throw failureOf(outcome.said, `Keeping ${plainName(snapshot.name)}`)
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
  finished(outcome, volume.name, { bytes: volume.sizeBytes, activeToo: true })
}
