import { access, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '@hearth/core'
import { isBroken } from '../engine/device-thread.ts'
import { type Engine, openEngine } from '../engine/engine.ts'
import { never } from '../time.ts'
import { checkIdentity, whatIsMounted } from './identity.ts'
import { damagedFile, fillingFile, takeRequests } from './requests.ts'
import { type DeviceState, writeState } from './state-file.ts'

export interface HolderOptions {
  /** Name of the device, as in the rings. */
  id: string
  folder: string
  /** Where this host keeps which devices it has seen, and what operators ask of them. */
  records: string
  /** Fingerprint of the cluster. */
  cluster: string
  reserve?: number
  idleUpload?: number
  log: Logger
  /** Milliseconds between looks at the device; 5 s when absent. */
  lookEvery?: number
}

/** Holds the engine of a device while its disk can be used. */
interface Holder {
  engine: Engine | null
  state: DeviceState
  /** The latest timestamp of what the device held when it was opened. */
  latest: string
  /** Why the last attempt to open it failed; null when it did not. */
  failure: unknown
  /** Looks at the disk and at what operators asked for, now. */
  look(): Promise<void>
  become(state: DeviceState['state'], reason: string | null): void
  close(): Promise<void>
}

/** Opens a device if possible, and watches it: closes it when its disk is gone, and opens it when it is back. */
export async function openHolder(options: HolderOptions): Promise<Holder> {
  const { id, folder, log } = options
  let mounted: string | null = null
  let isClosed = false
  let writing: Promise<void> = Promise.resolve()
  const shut: Shut = async (state, reason) => {
    const { engine } = holder
    holder.engine = null
    if (!isClosed) holder.become(state, reason)
    await engine?.close()
  }
  const look = async () => {
    if (isClosed) return
    await takeRequests(options, () => shut('offline', 'an operator asked for it anew'))
    if (holder.engine && (await whatIsMounted(folder)) !== mounted)
      await shut('offline', `another disk than before, or none, is at ${folder}`)
    if (holder.engine) return holder.engine.tidy().catch(() => undefined)
    await open(options, holder, shut).catch((error: Error) => fail(options, holder, shut, error))
    mounted = await whatIsMounted(folder)
  }
  const holder: Holder = {
    ...{ engine: null, failure: null, latest: never, look: oneAtATime(look, log) },
    state: { id, folder, state: 'offline', reason: 'it was not opened yet' },
    become(state, reason) {
      if (holder.state.state === state && holder.state.reason === reason) return
      holder.state = { id, folder, state, reason }
      writing = writing.then(() => writeState(options.records, holder.state))
      if (reason === null) log.info({ device: id, folder, state }, 'a device is in service')
      else log.error({ device: id, folder, state, reason }, 'a device is out of service')
    },
    async close() {
      isClosed = true
      clearInterval(timer)
      await holder.look()
      await shut('offline', 'it was closed')
      await writing
    },
  }
  const timer = setInterval(() => void holder.look(), options.lookEvery ?? 5000)
  timer.unref()
  await holder.look()
  return holder
}

type Shut = (state: DeviceState['state'], reason: string) => Promise<void>

async function open(options: HolderOptions, holder: Holder, shut: Shut): Promise<void> {
  const { id, folder } = options
  await checkIdentity(options)
  const damaged = await readFile(join(folder, damagedFile), 'utf8').catch(() => null)
  if (damaged !== null) return holder.become('damaged', damagedReason(id, damaged))
  const engine = await openEngine({ ...options, onBroken: (error) => void breakDown(options, shut, error.message) })
  const isFilling = await access(join(folder, fillingFile)).then(
    () => true,
    () => false,
  )
  try {
    Object.assign(holder, { latest: await engine.read('getLatest', {}), engine, failure: null })
  } catch (error) {
    await engine.close()
    throw error
  }
  holder.become(isFilling ? 'filling' : 'online', null)
  await engine.tidy().catch(() => undefined)
}

async function fail(options: HolderOptions, holder: Holder, shut: Shut, error: Error): Promise<void> {
  holder.failure = error
  if (isBroken((error as { code?: string }).code)) await breakDown(options, shut, error.message)
  else holder.become('offline', error.message)
}

/** Takes a device out of service for good, so that a start anew does not bring back half an index. */
async function breakDown({ id, folder }: HolderOptions, shut: Shut, message: string): Promise<void> {
  await writeFile(join(folder, damagedFile), message, { mode: 0o600 }).catch(() => undefined)
  await shut('damaged', damagedReason(id, message))
}

const damagedReason = (id: string, message: string): string =>
  `its index is unreadable (${message}); have it filled again from its peers with: hearth object rebuild ${id}`

/** Runs the work; whoever asks meanwhile waits for the same run. Its failures are logged. */
function oneAtATime(work: () => Promise<void>, log: Logger): () => Promise<void> {
  let running: Promise<void> | null = null
  return () => {
    running ??= work()
      .catch((error: unknown) => log.warn({ err: error }, 'looking after a device failed'))
      .finally(() => {
        running = null
      })
    return running
  }
}
