/** Lets deeds on one name wait for each other within this process: any number that read, or one that changes. */
export interface Turns {
  /** Holds all the names, `changed` for itself and `read` with others, while `work` runs. First come, first served. */
  take<T>(names: { changed: string; read?: string }, work: () => Promise<T>): Promise<T>
}

interface Queue {
  /** Ends with the last deed that changes. */
  change: Promise<unknown>
  /** Those that came after it. */
  reads: Promise<unknown>[]
  /** How many wait or work. */
  inside: number
}

export function openTurns(): Turns {
  const queues = new Map<string, Queue>()
  const enter = (name: string): Queue => {
    const queue = queues.get(name) ?? { change: Promise.resolve(), reads: [], inside: 0 }
    queues.set(name, queue)
    queue.inside += 1
    return queue
  }
  const leave = (name: string): void => {
    const queue = queues.get(name)!
    queue.inside -= 1
    if (queue.inside === 0) queues.delete(name)
  }
  return {
    async take({ changed, read }, work) {
      let release: () => void = () => undefined
      const end = new Promise<void>((resolve) => {
        release = resolve
      })
      // Both places are taken at once, so that no two deeds wait for each other.
      const own = enter(changed)
      const before = [own.change, ...own.reads]
      own.change = end
      own.reads = []
      if (read !== undefined && read !== changed) {
        const shared = enter(read)
        before.push(shared.change)
        shared.reads.push(end)
      }
      try {
        await Promise.all(before)
        return await work()
      } finally {
        release()
        leave(changed)
        if (read !== undefined && read !== changed) leave(read)
      }
    },
  }
}
