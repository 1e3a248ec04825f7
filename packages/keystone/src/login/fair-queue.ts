import type { HearthError } from '@hearth/core'

export interface FairQueueOptions {
  /** How many run at the same time. */
  atOnce: number
  /** How many may wait; beyond it the owner with the most waiting is refused. */
  waiting: number
  refuse(): HearthError
}

export interface FairQueue {
  /** Runs `work` when it is the owner's turn. Throws what `refuse` makes when the queue is full. */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>
}

interface Waiter {
  go(): void
  refuse(): void
}

function busiest(owners: Map<string, Waiter[]>): [owner: string, waiters: Waiter[]] {
  return [...owners].reduce((most, entry) => (entry[1].length > most[1].length ? entry : most), ['', []])
}

/** The next owner's oldest request; the owner goes to the end of the line. */
function takeNext(owners: Map<string, Waiter[]>): Waiter | undefined {
  const [first] = owners
  if (!first) return undefined
  const [owner, waiters] = first
  const next = waiters.shift()
  owners.delete(owner)
  if (waiters.length > 0) owners.set(owner, waiters)
  return next
}

/** A bounded queue in which owners take turns, so that one with many requests does not delay all others. */
export function openFairQueue(options: FairQueueOptions): FairQueue {
  const owners = new Map<string, Waiter[]>()
  let waiting = 0
  let running = 0

  const enter = (owner: string): Promise<void> => {
    const own = owners.get(owner) ?? []
    if (waiting >= options.waiting && !makeRoom(own.length)) throw options.refuse()
    waiting++
    owners.set(owner, own)
    return new Promise((resolve, reject) => {
      own.push({ go: resolve, refuse: () => reject(options.refuse()) })
    })
  }

  /** Refuses the newest request of the owner with the most, unless the asker would then have as many. */
  const makeRoom = (mine: number): boolean => {
    const [owner, waiters] = busiest(owners)
    if (waiters.length <= mine + 1) return false
    waiters.pop()!.refuse()
    waiting--
    if (waiters.length === 0) owners.delete(owner)
    return true
  }

  const leave = (): void => {
    const next = takeNext(owners)
    if (next) waiting--
    else running--
    next?.go()
  }

  return {
    async run(owner, work) {
      if (running >= options.atOnce) await enter(owner)
      else running++
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}
