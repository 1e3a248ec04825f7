import { setTimeout as sleep } from 'node:timers/promises'
import { DriverError, type DriverLog } from '@hearth/driver'
import { failureOf } from './failures.ts'
import { type Group, type Outcome, volumeIn } from './group.ts'
import type { LogicalVolume } from './lvm.ts'
import { devicePath, plainName } from './names.ts'
import type { Options } from './options.ts'
import { markOf } from './tags.ts'

/** State that all operations of one opened driver share. */
export interface Backend {
  options: Options
  group: Group
  log: DriverLog
  /** Identifies this driver in the marks of unfinished volumes. */
  owner: string
  pool: string
  /** True when new volumes are thin. */
  thin: boolean
  /** Name of the storage host. */
  host: string
  /** Runs one `work` at a time for each name. */
  exclusive<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Throws `no-space` when the thin pool is too full for `what`. */
  ensureRoom(what: string): Promise<void>
}

export const gib = 1024 ** 3
const udevOpenMs = 3000

/** Returns the logical volume after steps that should have finished it. Throws LVM's error when it is not finished. */
export function getFinished(
  outcome: Outcome,
  logical: string,
  wanted: { bytes?: number; isActive?: boolean } = {},
): LogicalVolume {
  const found = outcome.find(logical)
  const whole = found && found.sizeBytes >= (wanted.bytes ?? 0) && !markOf(found, 'making')
  if (!whole || (wanted.isActive && !found.active)) throw failureOf(outcome.said, plainName(logical))
  return found
}

/** Throws `busy` when a device stays open for 3 seconds: udev opens each device briefly after it was closed. */
export async function ensureUnused(backend: Backend, logical: LogicalVolume, verb: string): Promise<void> {
  const until = performance.now() + udevOpenMs
  for (let found: LogicalVolume | undefined = logical; found?.open; ) {
    if (performance.now() > until) {
      throw new DriverError('busy', `${plainName(logical.name)} is in use and cannot be ${verb}: detach it first`)
    }
    await sleep(200)
    found = volumeIn(await backend.group.report(), logical.name)
  }
}

/** Path of the device of a logical volume. */
export function pathOf(backend: Backend, logical: string): string {
  return devicePath(backend.group.name, logical)
}

/** True when the logical volume is unfinished and this driver is making it. */
export function isOurs(backend: Backend, found: LogicalVolume | undefined): boolean {
  return found !== undefined && markOf(found, 'making')?.owner === backend.owner
}

/** Removes those of the named logical volumes that this driver began and did not finish. */
export async function removeOurs(backend: Backend, names: string[]): Promise<void> {
  const report = await backend.group.report()
  const remove = report.volumes.filter((one) => names.includes(one.name) && isOurs(backend, one))
  if (remove.length > 0) await backend.group.perform({ remove: remove.map(({ name }) => name) })
}
