import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'

export type ToWorker =
  | { kind: 'open'; stream: number; algorithm: string }
  | { kind: 'update'; stream: number; slot: number; shared: SharedArrayBuffer; length: number }
  | { kind: 'digest' | 'abandon'; stream: number }
export type FromWorker =
  | { kind: 'taken'; stream: number; slot: number }
  | { kind: 'digest'; stream: number; hex: string }

interface Digests {
  md5: string
  sha512: string
}

/** Hashes one stream beside its transfer. */
export interface StreamHash {
  /** Resolves when the bytes are copied away and `chunk` may be reused; waits when the hashing is behind. */
  write(chunk: Uint8Array): Promise<void>
  finish(): Promise<Digests>
  abandon(): void
}

export interface Hashing {
  open(): StreamHash
  close(): Promise<void>
}

const algorithms = ['md5', 'sha512'] as const
/** Each stream has two of these; a stream that fits into one is hashed here, without workers. */
const slotBytes = 512 * 1024
const idleMs = 10_000

/**
 * Computes md5 and sha512 in one worker thread each. The threads start when a stream grows large, and end when there
 * was none for a while.
 */
export function openHashing(): Hashing {
  const streams = new Map<number, (message: FromWorker) => void>()
  let workers: Worker[] = []
  let idle: NodeJS.Timeout | undefined
  let serial = 0

  const start = () => {
    clearTimeout(idle)
    if (workers.length > 0) return workers
    workers = algorithms.map(() => new Worker(new URL('./hash-worker.ts', import.meta.url)))
    for (const worker of workers) {
      worker.unref()
      worker.on('message', (message: FromWorker) => streams.get(message.stream)?.(message))
    }
    return workers
  }
  const stop = async () => {
    clearTimeout(idle)
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
  }
  const link: Link = {
    attach(receive) {
      serial += 1
      streams.set(serial, receive)
      return { stream: serial, workers: start() }
    },
    detach(stream) {
      streams.delete(stream)
      if (streams.size === 0) idle = setTimeout(() => void stop(), idleMs).unref()
    },
  }
  return { open: () => openStreamHash(link), close: stop }
}

interface Link {
  attach(receive: (message: FromWorker) => void): Attached
  detach(stream: number): void
}

interface Slot {
  shared: SharedArrayBuffer
  bytes: Uint8Array
  used: number
  /** Workers that still read it. */
  readers: number
}

function openStreamHash(link: Link): StreamHash {
  const slots: Slot[] = []
  let current = newSlot(slots)
  const remote = openRemoteHash(link, (slot) => {
    slots[slot]!.readers -= 1
  })
  const ship = () => {
    current.readers = algorithms.length
    remote.update(slots.indexOf(current), current.shared, current.used)
  }
  return {
    async write(chunk) {
      for (let from = 0; from < chunk.length; ) {
        if (current.used === slotBytes) {
          ship()
          const other = slots.length < 2 ? newSlot(slots) : slots.find((slot) => slot !== current)!
          await remote.until(() => other.readers === 0)
          other.used = 0
          current = other
        }
        const part = chunk.subarray(from, from + slotBytes - current.used)
        current.bytes.set(part, current.used)
        current.used += part.length
        from += part.length
      }
    },
    async finish() {
      if (!remote.begun()) return hashHere(current.bytes.subarray(0, current.used))
      ship()
      return remote.digests()
    },
    abandon: () => remote.abandon(),
  }
}

/** Worker side of one stream. Calls `taken` with the slot that one more worker has finished with. */
function openRemoteHash(link: Link, taken: (slot: number) => void) {
  const digests: string[] = []
  let attached: Attached | undefined
  let wake: (() => void) | undefined
  const receive = (message: FromWorker) => {
    if (message.kind === 'taken') taken(message.slot)
    else digests.push(message.hex)
    wake?.()
  }
  const until = async (ready: () => boolean) => {
    while (!ready()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    until,
    begun: () => attached !== undefined,
    update(slot: number, shared: SharedArrayBuffer, length: number) {
      attached ??= attachTo(link, receive)
      const { stream, workers } = attached
      for (const worker of workers)
        worker.postMessage({ kind: 'update', stream, slot, shared, length } satisfies ToWorker)
    },
    async digests(): Promise<Digests> {
      const { stream, workers } = attached!
      for (const [index, worker] of workers.entries()) {
        worker.postMessage({ kind: 'digest', stream } satisfies ToWorker)
        await until(() => digests.length > index)
      }
      link.detach(stream)
      return { md5: digests[0]!, sha512: digests[1]! }
    },
    abandon() {
      if (!attached) return
      const { stream, workers } = attached
      for (const worker of workers) worker.postMessage({ kind: 'abandon', stream } satisfies ToWorker)
      link.detach(stream)
    },
  }
}

interface Attached {
  stream: number
  workers: Worker[]
}

function attachTo(link: Link, receive: (message: FromWorker) => void) {
  const attached = link.attach(receive)
  for (const [index, worker] of attached.workers.entries()) {
    worker.postMessage({ kind: 'open', stream: attached.stream, algorithm: algorithms[index]! } satisfies ToWorker)
  }
  return attached
}

function newSlot(slots: Slot[]): Slot {
  const shared = new SharedArrayBuffer(slotBytes)
  const slot = { shared, bytes: new Uint8Array(shared), used: 0, readers: 0 }
  slots.push(slot)
  return slot
}

function hashHere(bytes: Uint8Array): Digests {
  const [md5, sha512] = algorithms.map((algorithm) => createHash(algorithm).update(bytes).digest('hex'))
  return { md5: md5!, sha512: sha512! }
}
