import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@hearth/driver'
import { type Backend, getFinished, pathOf } from './backend.ts'
import { zeroDevice } from './bytes.ts'
import { snapshotCommand } from './commands.ts'
import { failureOf, notFound } from './failures.ts'
import { believedMs, type Outcome, volumeIn } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { isSnapshotName, keeperName, plainName } from './names.ts'
import { type Mark, marksOf, ownerState, volumeOfSnapshot } from './tags.ts'

/** Time to wait for a command of a killed process, which may still write to its unfinished volume. */
const waitForWriterMs = 60_000

/**
 * Returns the logical volume when it is finished; undefined without one. Work that a dead process interrupted is
 * finished or undone first. Throws `busy` when another living process works on the volume.
 */
export async function recover(backend: Backend, logical: string): Promise<LogicalVolume | undefined> {
  const found = await backend.group.find(logical)
  if (isSnapshotName(logical)) {
    // `find` has just read a new report if it found no volume, so this recent one shows the copy, if there is one.
    const keeper = volumeIn(await backend.group.report(believedMs), keeperName(logical))
    if (keeper) {
      ensureOurs(backend, keeper, marksOf(keeper))
      return restoreSnapshot(backend, logical)
    }
    // LVM makes a thick snapshot from a plain volume: a plain volume of this name is an unfinished snapshot.
    if (found?.kind === 'thick') return removeLeftover(backend, found)
  }
  if (!found) return undefined
  const marks = marksOf(found)
  ensureOurs(backend, found, marks)
  let recovered: LogicalVolume | undefined = found
  for (const mark of marks) recovered = recovered && (await finish(backend, recovered, mark))
  return recovered
}

/** Same as `recover`, but throws `not-found` when the volume or snapshot is missing. */
export async function getVolume(backend: Backend, logical: string): Promise<LogicalVolume> {
  const found = await recover(backend, logical)
  if (!found) throw notFound(`${plainName(logical)} in the volume group ${backend.group.name}`)
  return found
}

/** Same as `getVolume`, and activates it: its device exists on return. */
export async function getActiveVolume(backend: Backend, logical: string): Promise<LogicalVolume> {
  const found = await getVolume(backend, logical)
  if (found.active) return found
  const outcome = await backend.group.perform({ activate: [logical] })
  return getFinished(outcome, logical, { isActive: true })
}

/**
 * Recovers all interrupted work of dead processes of this host in the group. Failures are logged and left for later.
 */
export async function recoverAll(backend: Backend): Promise<void> {
  const leftovers = (await backend.group.report(believedMs)).volumes.filter((one) =>
    marksOf(one).some((mark) => ownerState(mark.owner) === 'dead'),
  )
  for (const one of leftovers) {
    const isCopy = marksOf(one).some((mark) => mark.kind === 'keeping')
    const name = isCopy ? one.name.replace(/^keep/, '') : one.name
    if (one.open && !isCopy) continue
    await recover(backend, name).then(
      () => backend.log.info({ name }, 'recovered a leftover of a dead process'),
      (error: unknown) =>
        backend.log.warn(
          { name, error },
          'a leftover of a dead process could not be recovered; it is tried again at the next use or start',
        ),
    )
  }
}

function ensureOurs(backend: Backend, found: LogicalVolume, marks: Mark[]): void {
  const other = marks.find((mark) => mark.owner !== backend.owner && ownerState(mark.owner) === 'alive')
  if (other) {
    throw new DriverError(
      'busy',
      `Another service (${other.owner}) is working on ${plainName(found.name)}: wait for it`,
    )
  }
}

async function finish(backend: Backend, found: LogicalVolume, mark: Mark): Promise<LogicalVolume | undefined> {
  if (mark.kind === 'making') return removeLeftover(backend, found)
  if (mark.kind === 'reverting') return finishRevert(backend, found)
  const { group } = backend
  if (mark.kind === 'growing' && backend.options.zeroNew) {
    getFinished(await group.perform({ activate: [found.name] }), found.name, { isActive: true })
    const range = { path: pathOf(backend, found.name), from: Number(mark.about), to: found.sizeBytes, inUse: true }
    await zeroDevice(group.run, range)
  }
  const outcome = await group.perform({ commands: [`lvchange -qq --deltag ${mark.tag} ${group.name}/${found.name}`] })
  return getFinished(outcome, found.name)
}

async function removeLeftover(backend: Backend, found: LogicalVolume): Promise<undefined> {
  const until = performance.now() + waitForWriterMs
  for (;;) {
    const outcome = await backend.group.perform({ remove: [found.name] })
    if (!outcome.find(found.name)) return undefined
    const error = failureOf(outcome.said, `Removing the unfinished ${plainName(found.name)}`)
    if (error.kind !== 'busy' || performance.now() > until) throw error
    await sleep(1000)
  }
}

/** Restores a snapshot after its merge, complete or interrupted, by renaming the copy that preserved it. */
export async function restoreSnapshot(backend: Backend, logical: string): Promise<LogicalVolume | undefined> {
  const { group } = backend
  const keeper = keeperName(logical)
  const cleared = await group.perform({ remove: [logical] })
  const copy = cleared.find(keeper)
  if (!copy) return cleared.find(logical)
  const unmark = marksOf(copy).map((mark) => `lvchange -qq --deltag ${mark.tag} ${group.name}/${logical}`)
  const commands = [`lvrename -qq ${group.name}/${keeper} ${group.name}/${logical}`, ...unmark]
  return getFinished(await group.perform({ commands }), logical)
}

/** Makes the snapshot that was merged into `volume` again, and removes the mark. */
export async function finishRevert(
  backend: Backend,
  volume: LogicalVolume,
  before?: Outcome,
): Promise<LogicalVolume | undefined> {
  const { group } = backend
  const mark = marksOf(volume).find(({ kind }) => kind === 'reverting')
  if (!mark) return volume
  const what = `Reverting ${plainName(volume.name)} to ${plainName(mark.about)}`
  const report = before?.report ?? (await group.report())
  const snapshot = volumeIn(report, mark.about)
  if (volumeIn(report, volume.name)?.merging) throw new DriverError('busy', `${what}: LVM is still merging; try again`)
  const unmark = `lvchange -qq --deltag ${mark.tag} ${group.name}/${volume.name}`
  if (snapshot?.kind === 'snapshot') {
    const undone = await group.perform({ commands: [unmark] })
    if (before) throw failureOf(before.said, what)
    return undone.find(volume.name)
  }
  if (snapshot) await removeLeftover(backend, snapshot)
  const made = await group.perform({ commands: [snapshotCommand(backend, mark.about, volume.name)] })
  if (getFinished(made, mark.about).kind !== 'snapshot') throw failureOf(made.said, what)
  return getFinished(await group.perform({ commands: [unmark] }), volume.name)
}

/** Returns a snapshot and its volume. Throws `not-found`, or `invalid` when the snapshot belongs to another volume. */
export async function getPair(
  backend: Backend,
  logicalVolume: string,
  logicalSnapshot: string,
): Promise<{ volume: LogicalVolume; snapshot: LogicalVolume }> {
  const snapshot = await getVolume(backend, logicalSnapshot)
  const volume = await getVolume(backend, logicalVolume)
  if (volumeOfSnapshot(snapshot) !== volume.name) {
    const names = `${plainName(snapshot.name)} is no snapshot of ${plainName(volume.name)}`
    throw new DriverError('invalid', `${names}: it belongs to ${volumeOfSnapshot(snapshot) || 'none'}`)
  }
  return { volume, snapshot }
}
