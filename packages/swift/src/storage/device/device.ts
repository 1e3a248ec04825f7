import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import { StorageError } from '../errors.ts'
import { later, never } from '../time.ts'
import { type Damage, openDamage } from './damage.ts'
import { type HolderOptions, openHolder } from './holder.ts'
import { fillingFile } from './requests.ts'
import type { DeviceState } from './state-file.ts'

/** A device of this host. While it is out of service every method throws StorageError `offline`. */
export interface Device extends Omit<Engine, 'tidy'> {
  id: string
  state(): DeviceState
  /** Why it could not be opened, or null. */
  failure(): unknown
  /** Looks at the disk and at what operators asked for, now. */
  look(): Promise<void>
  /** Objects whose bodies turned out to be damaged. */
  damage: Damage
  /** Notes that a new disk holds all that its peers have for it. */
  filled(): Promise<void>
  /** The latest timestamp of what this device holds, or was given to hold. */
  latest(): string
}

/** Opens a device, and keeps looking after it. Never throws. */
export async function openDevice(options: HolderOptions): Promise<Device> {
  const { id, folder } = options
  const holder = await openHolder(options)
  let latest = never
  const engine = (): Engine => {
    if (holder.engine) return holder.engine
    throw new StorageError('offline', `the device ${id} is out of service: ${holder.state.reason}`)
  }
  return {
    id,
    state: () => holder.state,
    failure: () => holder.failure,
    look: holder.look,
    damage: openDamage(),
    latest: () => later(holder.latest, latest),
    async write(name, input, file) {
      const time = timestampIn(input)
      latest = later(latest, time)
      return engine().write(name, input, file)
    },
    read: async (name, input) => engine().read(name, input),
    stage: async (hash, size) => engine().stage(hash, size),
    staged: (file) => holder.engine?.staged(file),
    async *body(range) {
      yield* engine().body(range)
    },
    get swept() {
      return holder.engine?.swept ?? Promise.resolve(0)
    },
    async filled() {
      await rm(join(folder, fillingFile), { force: true })
      if (holder.engine) holder.become('online', null)
    },
    close: holder.close,
  }
}

/** The timestamp a write carries; the earliest of all when it carries none. */
function timestampIn(input: unknown): string {
  const { timestamp, object } = input as { timestamp?: string; object?: { timestamp: string } }
  return timestamp ?? object?.timestamp ?? never
}
