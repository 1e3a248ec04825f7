import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'

export type ToWorker =
  | { kind: 'open'; stream: number; algorithm: string }
  | { kind: 'update'; stream: number; slot: number; shared: SharedArrayBuffer; length: number }
  | { kind: 'digest' | 'abandon'; stream: number }
export type FromWorker =
  | { kind: 'taken'; stream: number; slot: number }
  | { kind: 'digest'; stream: number; hex: string }

export interface Digests {
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
/** Two of these a stream; what fits into one is hashed on the spot, without workers. */
const slotBytes = 512 * 1024
const idleMs = 10_000

/** Md5 and sha512, one worker thread each, started when a stream grows big and ended when there was none for a while. */
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
  attach(receive: (message: FromWorker) => void): { stream: number; workers: Worker[] }
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
  const digests: string[] = []
  let attached: { stream: number; workers: Worker[] } | undefined
  let wake: (() => void) | undefined
  let current = newSlot(slots)

  const receive = (message: FromWorker) => {
    if (message.kind === 'taken') slots[message.slot]!.readers -= 1
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
  const send = (message: (stream: number, index: number) => ToWorker) => {
    attached ??= attachTo(link, receive)
    for (const [index, worker] of attached.workers.entries()) worker.postMessage(message(attached.stream, index))
  }
  const ship = () => {
    current.readers = algorithms.length
    const { shared, used: length } = current
    const slot = slots.indexOf(current)
    send((stream) => ({ kind: 'update', stream, slot, shared, length }))
  }
  const next = async () => {
    ship()
    const other = slots.length < 2 ? newSlot(slots) : slots.find((slot) => slot !== current)!
    await until(() => other.readers === 0)
    other.used = 0
    current = other
  }
  return {
    async write(chunk) {
      for (let from = 0; from < chunk.length; ) {
        if (current.used === slotBytes) await next()
        const part = chunk.subarray(from, from + slotBytes - current.used)
        current.bytes.set(part, current.used)
        current.used += part.length
        from += part.length
      }
    },
    async finish() {
      if (!attached) return hashHere(current.bytes.subarray(0, current.used))
      ship()
      const { stream, workers } = attached
      const results: string[] = []
      for (const worker of workers) {
        worker.postMessage({ kind: 'digest', stream } satisfies ToWorker)
        await until(() => digests.length > results.length)
        results.push(digests.at(-1)!)
      }
      link.detach(stream)
      return { md5: results[0]!, sha512: results[1]! }
    },
    abandon() {
      if (!attached) return
      send((stream) => ({ kind: 'abandon', stream }))
      link.detach(attached.stream)
    },
  }
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
