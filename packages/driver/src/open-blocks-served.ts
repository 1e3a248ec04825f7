import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Blocks, Extent } from './blocks.ts'
import { DriverError, isDriverError } from './errors.ts'
import { connectNbd, type NbdClient } from './nbd.ts'
import type { OpenBlocks } from './open-blocks-options.ts'
import type { Runner } from './runner.ts'
import type { Address } from './volume.ts'

/** The longest delay of a timer: the server ends when its client ends. */
const forEver = 2 ** 31 - 1
const connectMs = 60_000
const leaveMs = 10_000

/** Serves an address by a qemu-nbd of its own and opens what it serves. Throws DriverError. */
export async function openServedBlocks(address: Address, options: OpenBlocks & { run: Runner }): Promise<Blocks> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-nbd-'))
  try {
    const socket = join(folder, 'socket')
    const server = startServer(await commandLine(address, options, folder, socket), options)
    try {
      return servedBlocks(await connect(socket, server), server, address)
    } catch (error) {
      await server.stop()
      throw error
    }
  } finally {
    // A connection works without the name of its socket, so the folder is removed now, not when this process ends.
    await rm(folder, { recursive: true, force: true })
  }
}

async function commandLine(
  address: Address,
  { mode, secrets = {} }: OpenBlocks,
  folder: string,
  socket: string,
): Promise<string[]> {
  const objects: string[] = []
  for (const [id, secret] of Object.entries(secrets)) {
    const file = join(folder, `secret-${id}`)
    await writeFile(file, secret, { mode: 0o600 })
    objects.push('--object', `secret,id=${id},file=${file}`)
  }
  const readOnly = mode === 'r' ? ['--read-only'] : ['--discard=unmap']
  return [
    // setpriv ends qemu-nbd with this process, even before its client has connected.
    ...['setpriv', '--pdeathsig', 'TERM', '--', 'qemu-nbd'],
    ...['--socket', socket, '--cache=writeback', '--format', address.format, ...readOnly, ...objects],
    ...['--', address.filename],
  ]
}

/**
 * For the C library, whose defaults give a request's memory back to the kernel and fault it in anew for the next: half
 * of what serving costs.
 */
const keepsMemory = {
  MALLOC_MMAP_THRESHOLD_: String(32 * 1024 ** 2),
  MALLOC_TRIM_THRESHOLD_: String(256 * 1024 ** 2),
  MALLOC_TOP_PAD_: String(32 * 1024 ** 2),
}

interface Server {
  /** Rejects when the server fails, resolves when it has ended. */
  ended: Promise<void>
  /** Sends it the signal to end. */
  stop(): Promise<void>
}

function startServer(argv: string[], { run, secrets = {} }: OpenBlocks & { run: Runner }): Server {
  const stopping = new AbortController()
  const ended = run(argv, {
    timeout: forEver,
    env: keepsMemory,
    signal: stopping.signal,
    secrets: Object.values(secrets),
  }).then(() => undefined)
  ended.catch(() => undefined)
  return {
    ended,
    async stop() {
      stopping.abort()
      await ended.catch(() => undefined)
    },
  }
}

async function connect(socket: string, server: Server): Promise<NbdClient> {
  let over = false
  const end = (): void => {
    over = true
  }
  server.ended.then(end, end)
  const deadline = Date.now() + connectMs
  for (let pause = 2; ; pause = Math.min(pause * 2, 100)) {
    try {
      return await connectNbd(socket)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      const absent = code === 'ENOENT' || code === 'ECONNREFUSED'
      if (!absent || over) throw await reasonOf(error, server)
      if (Date.now() > deadline) throw new DriverError('unavailable', 'The block server does not answer', error)
      await sleep(pause)
    }
  }
}

/**
 * The server listens before it opens what it serves: when it cannot, connections end first, and then it says why. It
 * ends with its client in any case.
 */
async function reasonOf(error: unknown, server: Server): Promise<unknown> {
  const late = setTimeout(() => void server.stop(), leaveMs)
  const said: unknown = await server.ended.catch((failure: unknown) => failure)
  clearTimeout(late)
  if (said !== undefined && !(isDriverError(said) && said.kind === 'aborted')) return said
  return isDriverError(error) ? error : new DriverError('failed', 'The block server ended before it served', error)
}

function servedBlocks(client: NbdClient, server: Server, address: Address): Blocks {
  const check = (offset: number, length: number): void => {
    if (offset >= 0 && offset + length <= client.sizeBytes) return
    const shown = `${address.format} volume of ${client.sizeBytes} bytes`
    throw new DriverError('invalid', `${length} bytes at ${offset} are not within the ${shown}`)
  }
  return {
    sizeBytes: client.sizeBytes,
    async read(offset, into) {
      check(offset, into.length)
      await client.read(offset, into)
    },
    async write(offset, data) {
      check(offset, data.length)
      await client.write(offset, data)
    },
    async zero(offset, length) {
      check(offset, length)
      await client.zero(offset, length)
    },
    flush: () => client.flush(),
    extents: (signal) => extentsOf(client, signal),
    async close() {
      client.close()
      const late = setTimeout(() => void server.stop(), leaveMs)
      await server.ended.catch(() => undefined)
      clearTimeout(late)
    },
  }
}

async function* extentsOf(client: NbdClient, signal?: AbortSignal): AsyncGenerator<Extent> {
  let last: Extent | undefined
  for (let at = 0; at < client.sizeBytes; ) {
    if (signal?.aborted) throw new DriverError('aborted', 'Looking for extents was aborted')
    const from = at
    for (const piece of await client.allocation(at, client.sizeBytes - at)) {
      at = Math.min(piece.offset + piece.length, client.sizeBytes)
      if (piece.zero || at <= piece.offset) continue
      if (last && last.offset + last.length === piece.offset) last.length = at - last.offset
      else {
        if (last) yield last
        last = { offset: piece.offset, length: at - piece.offset }
      }
    }
    if (at <= from) throw new DriverError('failed', 'The block server does not say what is allocated')
  }
  if (last) yield last
}
