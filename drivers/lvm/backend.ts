import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError, type DriverLog } from '@hearth/driver'
import { failureOf } from './failures.ts'
import { type Group, type Outcome, volumeIn } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { devicePath, plainName } from './names.ts'
import type { Options } from './options.ts'
import { markOf } from './tags.ts'

/** What the deeds of one driver share. */
export interface Backend {
  options: Options
  group: Group
  log: DriverLog
  /** Marks what this driver is in the middle of. */
  owner: string
  pool: string
  /** New volumes are thin. */
  thin: boolean
  /** Name of the storage host. */
  host: string
  /** One deed at a time per name. */
  exclusive<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Throws `no-space` before a thin pool takes what would break it. */
  ensureRoom(what: string): Promise<void>
}

export const gib = 1024 ** 3
const udevLooksMs = 3000

/** The logical volume as it stands after steps that should have finished it. */
export function finished(
  outcome: Outcome,
  logical: string,
  wanted: { bytes?: number; activeToo?: boolean } = {},
): LogicalVolume {
  const found = outcome.find(logical)
  const whole = found && found.sizeBytes >= (wanted.bytes ?? 0) && !markOf(found, 'making')
  if (!whole || (wanted.activeToo && !found.active)) throw failureOf(outcome.said, plainName(logical))
  return found
}

/** Throws `busy` when a device is open, and stays so: udev looks for a moment into each that was just closed. */
export async function ensureUnused(backend: Backend, logical: LogicalVolume, deed: string): Promise<void> {
  const until = performance.now() + udevLooksMs
  for (let found: LogicalVolume | undefined = logical; found?.open; ) {
    if (performance.now() > until) {
      throw new DriverError('busy', `${plainName(logical.name)} is in use and cannot be ${deed}: detach it first`)
    }
    await sleep(200)
    found = volumeIn(await backend.group.report(), logical.name)
  }
}

export function pathOf(backend: Backend, logical: string): string {
  return devicePath(backend.group.name, logical)
}

/** Whether it is unfinished and of this driver's making. */
export function isOurs(backend: Backend, found: LogicalVolume | undefined): boolean {
  return found !== undefined && markOf(found, 'making')?.owner === backend.owner
}

/** Removes those of the names that this driver began and did not finish. */
export async function removeOurs(backend: Backend, names: string[]): Promise<void> {
  const report = await backend.group.report()
  const remove = report.volumes.filter((one) => names.includes(one.name) && isOurs(backend, one))
  if (remove.length > 0) await backend.group.perform({ remove: remove.map(({ name }) => name) })
}
