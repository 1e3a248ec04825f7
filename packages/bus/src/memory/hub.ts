import { concurrency, type Served } from '../handle.ts'
import type { Message } from '../topic.ts'

/** A message on its way to a handler in this process. */
interface Delivery {
  message: Message<unknown>
  /** Hands the message to the server that was chosen; never throws. */
  run(served: Served): Promise<void>
  /** Called instead of `run` when the last server leaves. */
  drop(): void
}

interface Server extends Served {
  running: number
}

interface Pair {
  topic: string
  target: string
  servers: Server[]
  queue: Delivery[]
  /** True when an outbox holds more rows than the queue took. */
  behind: boolean
}

const mostQueued = 1000
const keyOf = (topic: string, target: string): string => `${topic}\n${target}`

/** Connects the buses of one process: holds the servers of each topic and target, and the messages in flight. */
export class Hub {
  readonly openedAt = Date.now()
  /** Ids of casts which are queued, running, pausing or being removed. */
  readonly inFlight = new Set<string>()
  /** Functions to call when a topic and target has room for rows of the outboxes. */
  readonly loaders = new Set<(topic: string, target: string) => void>()
  readonly listeners = new Set<Served>()
  readonly #pairs = new Map<string, Pair>()

  serves(topic: string, target: string): boolean {
    return this.#pairs.has(keyOf(topic, target))
  }

  /** Queues a delivery. Returns false when it has no server, or (`bounded`) when the queue is full. */
  offer(topic: string, target: string, delivery: Delivery, bounded: boolean): boolean {
    const pair = this.#pairs.get(keyOf(topic, target))
    if (!pair) return false
    if (bounded && pair.queue.length >= mostQueued) {
      pair.behind = true
      return false
    }
    pair.queue.push(delivery)
    this.#pump(pair)
    return true
  }

  /** Records that an outbox holds more rows for this pair: the loaders are called once there is room. */
  fallBehind(topic: string, target: string): void {
    const pair = this.#pairs.get(keyOf(topic, target))
    if (!pair) return
    pair.behind = true
    this.#pump(pair)
  }

  /** Adds a server, which takes messages until the returned function is called. */
  join(served: Served): () => void {
    const { target } = served
    const topic = served.topic.name
    const key = keyOf(topic, target)
    const pair = this.#pairs.get(key) ?? { topic, target, servers: [], queue: [], behind: false }
    this.#pairs.set(key, pair)
    const server = { ...served, running: 0 }
    pair.servers.push(server)
    this.#pump(pair)
    this.#load(pair)
    return () => this.#leave(pair, server)
  }

  #leave(pair: Pair, server: Server): void {
    pair.servers = pair.servers.filter((one) => one !== server)
    if (pair.servers.length > 0) return
    this.#pairs.delete(keyOf(pair.topic, pair.target))
    for (const delivery of pair.queue.splice(0)) delivery.drop()
  }

  #pump(pair: Pair): void {
    while (pair.queue.length > 0 && pair.servers.length > 0) {
      const server = pair.servers.reduce((best, one) => (one.running < best.running ? one : best))
      if (server.running >= concurrency) return
      server.running += 1
      const delivery = pair.queue.shift() as Delivery
      void delivery.run(server).finally(() => {
        server.running -= 1
        this.#pump(pair)
      })
    }
    if (!pair.behind || pair.servers.length === 0) return
    pair.behind = false
    this.#load(pair)
  }

  #load({ topic, target }: Pair): void {
    for (const load of this.loaders) load(topic, target)
  }
}

const hubs = new Map<string, { hub: Hub; users: number }>()

/** Returns this process's hub of that name; it is removed when its last user releases it. */
export function takeHub(name: string): { hub: Hub; release(): void } {
  const entry = hubs.get(name) ?? { hub: new Hub(), users: 0 }
  hubs.set(name, entry)
  entry.users += 1
  return {
    hub: entry.hub,
    release() {
      entry.users -= 1
      if (entry.users === 0) hubs.delete(name)
    },
  }
}
