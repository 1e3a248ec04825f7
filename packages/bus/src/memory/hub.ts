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
  servers: Server[]
  queue: Delivery[]
  /** More waits in an outbox than the queue took. */
  behind: boolean
}

/** Where the buses of one process meet: who serves what, and what is on its way. */
export interface Hub {
  /** Milliseconds since the epoch. */
  openedAt: number
  /** Ids of casts which are queued, running or being removed. */
  inFlight: Set<string>
  /** Told when a topic and target has room for what waits in the outboxes. */
  loaders: Set<(topic: string, target: string) => void>
  listeners: Set<Served>
  serves(topic: string, target: string): boolean
  /** False when nobody serves it, or (`bounded`) when too many wait already. */
  offer(topic: string, target: string, delivery: Delivery, bounded: boolean): boolean
  /** Notes that an outbox holds more for this pair: the loaders are told once there is room. */
  fallBehind(topic: string, target: string): void
  /** Takes messages until the returned function is called. */
  join(served: Served): () => void
}

const mostQueued = 1000

export function openHub(): Hub {
  const pairs = new Map<string, Pair>()
  const keyOf = (topic: string, target: string) => `${topic}\n${target}`
  const pairOf = (topic: string, target: string) => pairs.get(keyOf(topic, target))

  function pump(pair: Pair, topic: string, target: string): void {
    while (pair.queue.length > 0) {
      const server = pair.servers.reduce((best, one) => (one.running < best.running ? one : best))
      if (server.running >= concurrency) return
      server.running += 1
      const delivery = pair.queue.shift() as Delivery
      void delivery.run(server).finally(() => {
        server.running -= 1
        if (pair.servers.length > 0) pump(pair, topic, target)
      })
    }
    if (!pair.behind) return
    pair.behind = false
    for (const load of hub.loaders) load(topic, target)
  }

  const hub: Hub = {
    openedAt: Date.now(),
    inFlight: new Set(),
    loaders: new Set(),
    listeners: new Set(),
    serves: (topic, target) => pairs.has(keyOf(topic, target)),
    offer(topic, target, delivery, bounded) {
      const pair = pairOf(topic, target)
      if (!pair) return false
      if (bounded && pair.queue.length >= mostQueued) {
        pair.behind = true
        return false
      }
      pair.queue.push(delivery)
      pump(pair, topic, target)
      return true
    },
    fallBehind(topic, target) {
      const pair = pairOf(topic, target)
      if (!pair) return
      pair.behind = true
      pump(pair, topic, target)
    },
    join(served) {
      const { name } = served.topic
      const key = keyOf(name, served.target)
      const pair = pairs.get(key) ?? { servers: [], queue: [], behind: false }
      pairs.set(key, pair)
      const server = { ...served, running: 0 }
      pair.servers.push(server)
      pump(pair, name, served.target)
      for (const load of hub.loaders) load(name, served.target)
      return () => leave(key, server)
    },
  }

  function leave(key: string, server: Server): void {
    const pair = pairs.get(key)
    if (!pair) return
    pair.servers = pair.servers.filter((one) => one !== server)
    if (pair.servers.length > 0) return
    pairs.delete(key)
    for (const delivery of pair.queue.splice(0)) delivery.drop()
  }
  return hub
}

const hubs = new Map<string, { hub: Hub; users: number }>()

/** The hub of this name in this process; gone when its last user releases it. */
export function takeHub(name: string): { hub: Hub; release(): void } {
  const entry = hubs.get(name) ?? { hub: openHub(), users: 0 }
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
