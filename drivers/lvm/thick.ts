import { DriverError } from '@hearth/driver'
import { type Backend, ensureUnused, finished, isOurs, pathOf, removeOurs } from './backend.ts'
import { copyDevice, zeroDevice } from './bytes.ts'
import { createCommand, snapshotCommand } from './commands.ts'
import { failureOf, stopIfAborted } from './failures.ts'
import type { GroupReport, LogicalVolume } from './lvm.ts'
import { passingName, plainName } from './names.ts'
import { finishRevert, settle } from './settle.ts'
import { markTag } from './tags.ts'

/** A volume with extents of its own, zeroed before it counts as one. */
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

/** A volume with the bytes of a snapshot, or of a volume as it stands, through a snapshot that passes. */
export async function copyVolume(
  backend: Backend,
  logical: string,
  wanted: { source: LogicalVolume; bytes: number; signal?: AbortSignal | undefined },
): Promise<void> {
  const { source, bytes, signal } = wanted
  const passing = source.kind === 'thick' ? passingName(logical) : null
  // A dead process may have left one, and what then still read from it kept it when the rest was settled.
  if (passing) await settle(backend, passing)
  const commands = [createCommand(backend, logical, bytes)]
  if (passing) commands.unshift(snapshotCommand(backend, passing, source.name, markTag('making', backend.owner)))
  if (backend.thin) await backend.ensureRoom(plainName(logical))
  await makeMarked(backend, { logical, commands, bytes, ...(passing && { passing }) }, async (made) => {
    const [from, to] = [pathOf(backend, passing ?? source.name), pathOf(backend, logical)]
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

export async function snapshotThick(backend: Backend, logical: string, source: LogicalVolume): Promise<void> {
  const outcome = await backend.group.perform({ commands: [snapshotCommand(backend, logical, source.name)] })
  if (finished(outcome, logical).kind !== 'snapshot') {
    await backend.group.perform({ remove: [logical] })
    throw failureOf(outcome.said, plainName(logical))
  }
}

/**
 * Grows a volume; the mark says from where on it is not zeroed yet. LVM grows one with snapshots only while it is not
 * active.
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
  const grown = finished(outcome, found.name, { bytes, activeToo: true })
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

/** From its mark on the volume is no more one, however much of it is zeroed. */
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

/** The snapshot is merged and made anew; the mark on the volume tells a later process to make it, if this one dies. */
export async function revertThick(backend: Backend, volume: LogicalVolume, snapshot: LogicalVolume): Promise<void> {
  const { group, owner } = backend
  await ensureUnused(backend, volume, 'reverted')
  await ensureUnused(backend, snapshot, 'reverted to')
  if (snapshot.broken) throw lost(snapshot)
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

export function lost(snapshot: LogicalVolume): DriverError {
  const why = 'more was overwritten since than it had room for (snapshotPercent)'
  return new DriverError('failed', `The bytes of ${plainName(snapshot.name)} are lost: ${why}`)
}

/** Thick snapshots of a volume, the passing ones of copies too. */
export function snapshotsOn(report: GroupReport, logical: string): string[] {
  return report.volumes.filter((one) => one.kind === 'snapshot' && one.origin === logical).map((one) => one.name)
}

interface Making {
  logical: string
  commands: string[]
  bytes: number
  passing?: string
}

async function makeMarked(
  backend: Backend,
  { logical, commands, bytes, passing }: Making,
  fill: (made: LogicalVolume) => Promise<void>,
): Promise<void> {
  const { group, owner } = backend
  const all = passing ? [logical, passing] : [logical]
  try {
    const begun = await group.perform({ commands, activate: [logical] })
    const made = begun.find(logical)
    // Another service may have been faster: what is not of our making is left alone.
    const foreign = all.some((one) => !isOurs(backend, begun.find(one)))
    if (foreign || !made?.active || made.sizeBytes < bytes) throw failureOf(begun.said, plainName(logical))
    await fill(made)
    const unmark = `lvchange -qq --deltag ${markTag('making', owner)} ${group.name}/${logical}`
    const outcome = await group.perform({ commands: [unmark], ...(passing && { remove: [passing] }) })
    finished(outcome, logical, { bytes, activeToo: true })
  } catch (error) {
    await removeOurs(backend, all).catch((again: unknown) => backend.log.warn({ again, all }, 'left unfinished'))
    throw error
  }
}

async function clear(backend: Backend, found: LogicalVolume): Promise<void> {
  const { group, options } = backend
  const path = pathOf(backend, found.name)
  const limit = options.clearSizeMiB === 0 ? found.sizeBytes : options.clearSizeMiB * 1024 ** 2
  await zeroDevice(group.run, { path, from: 0, to: Math.min(limit, found.sizeBytes) })
}
