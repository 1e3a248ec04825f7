import { concurrency, type Served } from '../handle.ts'
import type { Message } from '../topic.ts'

/** A message on its way to a handler in this process. */
export interface Delivery {
  message: Message<unknown>
  /** Hands the message to the server that was chosen; never throws. */
  run(served: Served): Promise<void>
  /** Told instead of `run` when the last server leaves. */
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
  /** More waits in an outbox than the queue took. */
  behind: boolean
}

const mostQueued = 1000
const keyOf = (topic: string, target: string): string => `${topic}\n${target}`

/** Where the buses of one process meet: who serves what, and what is on its way. */
export class Hub {
  readonly openedAt = Date.now()
  /** Ids of casts which are queued, running, pausing or being removed. */
  readonly inFlight = new Set<string>()
  /** Told when a topic and target has room for what waits in the outboxes. */
  readonly loaders = new Set<(topic: string, target: string) => void>()
  readonly listeners = new Set<Served>()
  readonly #pairs = new Map<string, Pair>()

  serves(topic: string, target: string): boolean {
    return this.#pairs.has(keyOf(topic, target))
  }

  /** False when nobody serves it, or (`bounded`) when too many wait already. */
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

  /** Notes that an outbox holds more for this pair: the loaders are told once there is room. */
  fallBehind(topic: string, target: string): void {
    const pair = this.#pairs.get(keyOf(topic, target))
    if (!pair) return
    pair.behind = true
    this.#pump(pair)
  }

  /** Takes messages until the returned function is called. */
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

/** The hub of this name in this process; gone when its last user releases it. */
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
