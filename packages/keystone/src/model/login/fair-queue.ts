import type { HearthError } from '@hearth/core'

interface FairQueueOptions {
  /** Number of jobs that run at the same time. */
  atOnce: number
  /** Number of jobs that may wait. When more wait, the owner with the most waiting jobs is refused. */
  waiting: number
  /** Makes the error of a refused job. */
  refuse(): HearthError
}

interface FairQueue {
  /**
   * Runs `work` when the owner's turn comes and returns its result. Throws the error of `refuse` when the queue is
   * full.
   */
  run<T>(owner: string, work: () => Promise<T>): Promise<T>
}

interface Waiter {
  go(): void
  refuse(): void
}

function busiest(owners: Map<string, Waiter[]>): [owner: string, waiters: Waiter[]] {
  return [...owners].reduce((most, entry) => (entry[1].length > most[1].length ? entry : most), ['', []])
}

/** Removes and returns the oldest request of the next owner, and moves this owner to the end. */
function takeNext(owners: Map<string, Waiter[]>): Waiter | undefined {
  const [first] = owners
  if (!first) return undefined
  const [owner, waiters] = first
  const next = waiters.shift()
  owners.delete(owner)
  if (waiters.length > 0) owners.set(owner, waiters)
  return next
}

/**
 * Returns a bounded queue in which owners take turns, so that an owner with many requests does not delay the others.
 */
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

  /**
   * Refuses the newest request of the owner with the most requests. Returns false when the new request's owner would
   * then have as many.
   */
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
