import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeWhole } from './identity.ts'

const ending = '.state'

/** Leaves the state of a device where commands of the operator find it. Never fails: it only informs. */
export async function writeState(records: string, state: DeviceState): Promise<void> {
  try {
    await mkdir(records, { recursive: true, mode: 0o700 })
    await writeWhole(join(records, `${state.id}${ending}`), state)
  } catch {
    // On a full disk the log still has it.
  }
}

/** The state of each device as its process wrote it last. */
export async function readDeviceStates(records: string): Promise<DeviceState[]> {
  const names = await readdir(records).catch(() => [])
  const files = names.filter((name) => name.endsWith(ending)).sort()
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(join(records, name), 'utf8')) as DeviceState))
}

export interface DeviceState {
  id: string
  folder: string
  /**
   * `filling`: a new disk that serves while it receives the data of its peers. `offline`: it cannot be opened, and is
   * tried again. `damaged`: its index is unreadable, and it waits to be rebuilt.
   */
  state: 'online' | 'filling' | 'offline' | 'damaged'
  reason: string | null
}
