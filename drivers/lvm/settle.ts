import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError } from '@hearth/driver'
import { type Backend, finished, pathOf } from './backend.ts'
import { zeroDevice } from './bytes.ts'
import { snapshotCommand } from './commands.ts'
import { failureOf, notFound } from './failures.ts'
import { believedMs, type Outcome, volumeIn } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { isSnapshotName, keeperName, plainName } from './names.ts'
import { type Mark, marksOf, ownerState, volumeOfSnapshot } from './tags.ts'

/** A command of a killed process may still write to what it left; this long it is waited for. */
const waitForWriterMs = 60_000

/**
 * The logical volume of that name when it is finished. What a dead process left of it is removed or brought to its end
 * first; what another living process has in hand is `busy`.
 */
export async function settle(backend: Backend, logical: string): Promise<LogicalVolume | undefined> {
  const found = await backend.group.find(logical)
  if (isSnapshotName(logical)) {
    // That `find` found nothing it learnt from a report of just now.
    const keeper = volumeIn(await backend.group.report(believedMs), keeperName(logical))
    if (keeper) {
      ensureOurs(backend, keeper, marksOf(keeper))
      return restoreSnapshot(backend, logical)
    }
    // LVM makes a thick snapshot of a plain volume that it made just before.
    if (found?.kind === 'thick') return removeLeftover(backend, found)
  }
  if (!found) return undefined
  const marks = marksOf(found)
  ensureOurs(backend, found, marks)
  let settled: LogicalVolume | undefined = found
  for (const mark of marks) settled = settled && (await finish(backend, settled, mark))
  return settled
}

/** The finished volume or snapshot of that logical name. Throws `not-found`. */
export async function existing(backend: Backend, logical: string): Promise<LogicalVolume> {
  const found = await settle(backend, logical)
  if (!found) throw notFound(`${plainName(logical)} in the volume group ${backend.group.name}`)
  return found
}

/** As `existing`, with its device there. */
export async function existingActive(backend: Backend, logical: string): Promise<LogicalVolume> {
  const found = await existing(backend, logical)
  if (found.active) return found
  const outcome = await backend.group.perform({ activate: [logical] })
  return finished(outcome, logical, { activeToo: true })
}

/** Settles everything that dead processes of this host left in the group; what cannot be now is told and left. */
export async function settleAll(backend: Backend): Promise<void> {
  const left = (await backend.group.report(believedMs)).volumes.filter((one) =>
    marksOf(one).some((mark) => ownerState(mark.owner) === 'dead'),
  )
  for (const one of left) {
    const keeps = marksOf(one).some((mark) => mark.deed === 'keeping')
    const name = keeps ? one.name.replace(/^keep/, '') : one.name
    if (one.open && !keeps) continue
    await settle(backend, name).then(
      () => backend.log.info({ name }, 'settled what a dead process left'),
      (error: unknown) => backend.log.warn({ name, error }, 'what a dead process left stays for now'),
    )
  }
}

function ensureOurs(backend: Backend, found: LogicalVolume, marks: Mark[]): void {
  const other = marks.find((mark) => mark.owner !== backend.owner && ownerState(mark.owner) === 'alive')
  if (other) {
    throw new DriverError('busy', `Another service (${other.owner}) has ${plainName(found.name)} in hand: wait for it`)
  }
}

async function finish(backend: Backend, found: LogicalVolume, mark: Mark): Promise<LogicalVolume | undefined> {
  if (mark.deed === 'making') return removeLeftover(backend, found)
  if (mark.deed === 'reverting') return finishRevert(backend, found)
  const { group } = backend
  if (mark.deed === 'growing' && backend.options.zeroNew) {
    finished(await group.perform({ activate: [found.name] }), found.name, { activeToo: true })
    const range = { path: pathOf(backend, found.name), from: Number(mark.about), to: found.sizeBytes, inUse: true }
    await zeroDevice(group.run, range)
  }
  const outcome = await group.perform({ commands: [`lvchange -qq --deltag ${mark.tag} ${group.name}/${found.name}`] })
  return finished(outcome, found.name)
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

/** After a merge, whole or cut short: the keeper is the snapshot as it was. */
export async function restoreSnapshot(backend: Backend, logical: string): Promise<LogicalVolume | undefined> {
  const { group } = backend
  const keeper = keeperName(logical)
  const cleared = await group.perform({ remove: [logical] })
  const kept = cleared.find(keeper)
  if (!kept) return cleared.find(logical)
  const unmark = marksOf(kept).map((mark) => `lvchange -qq --deltag ${mark.tag} ${group.name}/${logical}`)
  const commands = [`lvrename -qq ${group.name}/${keeper} ${group.name}/${logical}`, ...unmark]
  return finished(await group.perform({ commands }), logical)
}

/** Makes the snapshot anew that was merged into `volume`, and takes the mark away. */
export async function finishRevert(
  backend: Backend,
  volume: LogicalVolume,
  before?: Outcome,
): Promise<LogicalVolume | undefined> {
  const { group } = backend
  const mark = marksOf(volume).find(({ deed }) => deed === 'reverting')
  if (!mark) return volume
  const what = `Reverting ${plainName(volume.name)} to ${plainName(mark.about)}`
  const report = before?.report ?? (await group.report())
  const snapshot = volumeIn(report, mark.about)
  if (volumeIn(report, volume.name)?.merging) throw new DriverError('busy', `${what}: LVM is still merging; ask again`)
  const unmark = `lvchange -qq --deltag ${mark.tag} ${group.name}/${volume.name}`
  if (snapshot?.kind === 'snapshot') {
    const undone = await group.perform({ commands: [unmark] })
    if (before) throw failureOf(before.said, what)
    return undone.find(volume.name)
  }
  if (snapshot) await removeLeftover(backend, snapshot)
  const made = await group.perform({ commands: [snapshotCommand(backend, mark.about, volume.name)] })
  if (finished(made, mark.about).kind !== 'snapshot') throw failureOf(made.said, what)
  return finished(await group.perform({ commands: [unmark] }), volume.name)
}

/** The snapshot and the volume it is to be merged into. Throws `not-found` or `invalid`. */
export async function pairOf(
  backend: Backend,
  logicalVolume: string,
  logicalSnapshot: string,
): Promise<{ volume: LogicalVolume; snapshot: LogicalVolume }> {
  const snapshot = await existing(backend, logicalSnapshot)
  const volume = await existing(backend, logicalVolume)
  if (volumeOfSnapshot(snapshot) !== volume.name) {
    const names = `${plainName(snapshot.name)} is no snapshot of ${plainName(volume.name)}`
    throw new DriverError('invalid', `${names}: it belongs to ${volumeOfSnapshot(snapshot) || 'none'}`)
  }
  return { volume, snapshot }
}
