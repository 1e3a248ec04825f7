import { DriverError } from '@hearth/driver'
import { type Backend, ensureUnused, getFinished, isOurs, pathOf, removeOurs } from './backend.ts'
import { copyDevice, zeroDevice } from './bytes.ts'
import { createCommand, snapshotCommand } from './commands.ts'
import { failureOf, stopIfAborted } from './failures.ts'
import type { GroupReport, LogicalVolume } from './lvm.ts'
import { plainName, temporaryName } from './names.ts'
import { finishRevert, recover } from './recovery.ts'
import { markTag } from './tags.ts'

/** Makes a volume with its own extents. It is marked as unfinished until they are zeroed. */
export async function createThick(
  backend: Backend,
  logical: string,
  bytes: number,
  signal?: AbortSignal,
): Promise<void> {
  await makeMarked(backend, { logical, commands: [createCommand(backend, logical, bytes)], bytes }, async (made) => {
    if (!backend.options.zeroNew) return
    await zeroDevice(backend.group.run, { path: pathOf(backend, logical), from: 0, to: made.sizeBytes }, signal)
  })
}

/** Makes a volume with the bytes of a snapshot, or with the present bytes of a volume by a temporary snapshot. */
export async function copyVolume(
  backend: Backend,
  logical: string,
  wanted: { source: LogicalVolume; bytes: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const { source, bytes, signal } = wanted
  const temporary = source.kind === 'thick' ? temporaryName(logical) : null
  // A dead process may have left this snapshot; recovery at the start could not remove it if a copy was still reading
  // it.
  if (temporary) await recover(backend, temporary)
  const commands = [createCommand(backend, logical, bytes)]
  if (temporary) commands.unshift(snapshotCommand(backend, temporary, source.name, markTag('making', backend.owner)))
  if (backend.thin) await backend.ensureRoom(plainName(logical))
  await makeMarked(backend, { logical, commands, bytes, ...(temporary && { temporary }) }, async (made) => {
    const [from, to] = [pathOf(backend, temporary ?? source.name), pathOf(backend, logical)]
    const copied = Math.min(made.sizeBytes, source.kind === 'snapshot' ? source.originBytes : source.sizeBytes)
    await copyDevice(
      backend.group.run,
      { from, to, bytes: copied, how: backend.thin ? 'blank' : backend.options.copies },
      signal,
    )
    if (backend.thin) return
    await zeroDevice(backend.group.run, { path: to, from: copied, to: made.sizeBytes }, signal)
  })
}

/** Takes a snapshot of a thick volume. */
export async function snapshotThick(backend: Backend, logical: string, source: LogicalVolume): Promise<void> {
  const outcome = await backend.group.perform({ commands: [snapshotCommand(backend, logical, source.name)] })
  if (getFinished(outcome, logical).kind !== 'snapshot') {
    await backend.group.perform({ remove: [logical] })
    throw failureOf(outcome.said, plainName(logical))
  }
}

/**
 * Extends a volume; the mark has the offset from which it is not zeroed yet. LVM extends a volume with snapshots only
 * while it is inactive, so such a volume must not be in use.
 */
export async function growThick(
  backend: Backend,
  found: LogicalVolume,
  bytes: number,
  signal?: AbortSignal,
): Promise<void> {
  const { group, owner } = backend
  const path = `${group.name}/${found.name}`
  const guarded = snapshotsOn(await group.report(), found.name).length > 0
  if (guarded) await ensureUnused(backend, found, 'grown while it has snapshots')
  stopIfAborted(signal, `Extending ${plainName(found.name)}`)
  const mark = markTag('growing', owner, String(found.sizeBytes))
  const unmark = `lvchange -qq --deltag ${mark} ${path}`
  const outcome = await group.perform({
    commands: [
      `lvchange -qq --addtag ${mark} ${path}`,
      ...(guarded ? [`lvchange -qq -an ${path}`] : []),
      `lvextend -qq -y -L ${bytes}b ${path}`,
    ],
    activate: [found.name],
  })
  if ((outcome.find(found.name)?.sizeBytes ?? 0) < bytes) {
    await group.perform({ commands: [unmark] })
    throw failureOf(outcome.said, `Extending ${plainName(found.name)}`)
  }
  const grown = getFinished(outcome, found.name, { bytes, isActive: true })
  if (backend.options.zeroNew) {
    await zeroDevice(group.run, {
      path: pathOf(backend, found.name),
      from: found.sizeBytes,
      to: grown.sizeBytes,
      inUse: true,
    })
  }
  await group.perform({ commands: [unmark] })
}

/**
 * Removes a volume or snapshot. The mark comes first: from then on it counts as deleted, even if zeroing is
 * interrupted.
 */
export async function removeThick(backend: Backend, found: LogicalVolume, signal?: AbortSignal): Promise<void> {
  const { group, owner, options } = backend
  const what = `Deleting ${plainName(found.name)}`
  await ensureUnused(backend, found, 'deleted')
  stopIfAborted(signal, what)
  const [path, mark] = [`${group.name}/${found.name}`, markTag('making', owner)]
  const unmark = `lvchange -qq --deltag ${mark} ${path}`
  const split = found.kind === 'snapshot' && options.clear === 'zero'
  const marked = await group.perform({
    commands: [`lvchange -qq --addtag ${mark} ${path}`, ...(split ? [`lvconvert -qq -y --splitsnapshot ${path}`] : [])],
    activate: options.clear === 'zero' ? [found.name] : [],
  })
  const users = snapshotsOn(marked.report, found.name)
  const now = marked.find(found.name)
  if (users.length > 0 || (now?.open && now.kind === 'thick')) {
    await group.perform({ commands: [unmark] })
    throw new DriverError('busy', `${what}: ${users.length > 0 ? `${users.join(', ')} depend on it` : 'it is in use'}`)
  }
  if (now && options.clear === 'zero' && now.kind === 'thick') await clear(backend, now)
  const removed = await group.perform({ remove: [found.name] })
  const left = removed.find(found.name)
  if (left?.kind === 'snapshot') await group.perform({ commands: [unmark] })
  if (left) throw failureOf(removed.said || marked.said, what)
}

/**
 * Merges the snapshot and makes it again. If this process dies, a later one sees the mark on the volume and makes it.
 */
export async function revertThick(backend: Backend, volume: LogicalVolume, snapshot: LogicalVolume): Promise<void> {
  const { group, owner } = backend
  await ensureUnused(backend, volume, 'reverted')
  await ensureUnused(backend, snapshot, 'reverted to')
  if (snapshot.broken) throw snapshotLost(snapshot)
  const path = `${group.name}/${volume.name}`
  const outcome = await group.perform({
    commands: [
      `lvchange -qq --addtag ${markTag('reverting', owner, snapshot.name)} ${path}`,
      `lvconvert -qq -y -i 1 --merge ${group.name}/${snapshot.name}`,
    ],
    activate: [volume.name],
  })
  const merged = outcome.find(volume.name)
  if (!merged) throw failureOf(outcome.said, `Reverting ${plainName(volume.name)}`)
  await finishRevert(backend, merged, outcome)
}

/** The error for a snapshot that overflowed. */
export function snapshotLost(snapshot: LogicalVolume): DriverError {
  const why = 'more bytes were overwritten than it has room for (snapshotPercent)'
  return new DriverError('failed', `The bytes of ${plainName(snapshot.name)} are lost: ${why}`)
}

/** Names of the thick snapshots of a volume, including temporary ones. */
export function snapshotsOn(report: GroupReport, logical: string): string[] {
  return report.volumes.filter((one) => one.kind === 'snapshot' && one.origin === logical).map((one) => one.name)
}

interface MakePlan {
  logical: string
  commands: string[]
  bytes: number
  temporary?: string
}

async function makeMarked(
  backend: Backend,
  { logical, commands, bytes, temporary }: MakePlan,
  fill: (made: LogicalVolume) => Promise<void>,
): Promise<void> {
  const { group, owner } = backend
  const all = temporary ? [logical, temporary] : [logical]
  try {
    const begun = await group.perform({ commands, activate: [logical] })
    const made = begun.find(logical)
    // Another service may have made a volume of this name first; only volumes with our own mark are used.
    const foreign = all.some((one) => !isOurs(backend, begun.find(one)))
    if (foreign || !made?.active || made.sizeBytes < bytes) throw failureOf(begun.said, plainName(logical))
    await fill(made)
    const unmark = `lvchange -qq --deltag ${markTag('making', owner)} ${group.name}/${logical}`
    const outcome = await group.perform({ commands: [unmark], ...(temporary && { remove: [temporary] }) })
    getFinished(outcome, logical, { bytes, isActive: true })
  } catch (error) {
    await removeOurs(backend, all).catch((again: unknown) =>
      backend.log.warn({ again, all }, 'unfinished volumes could not be removed; the next start tries again'),
    )
    throw error
  }
}

async function clear(backend: Backend, found: LogicalVolume): Promise<void> {
  const { group, options } = backend
  const path = pathOf(backend, found.name)
  const limit = options.clearSizeMiB === 0 ? found.sizeBytes : options.clearSizeMiB * 1024 ** 2
  await zeroDevice(group.run, { path, from: 0, to: Math.min(limit, found.sizeBytes) })
}
