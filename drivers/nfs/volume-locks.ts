/** Locks on volume names within this process: shared by any number of readers, or exclusive for one writer. */
export interface VolumeLocks {
  /**
   * Holds `changed` exclusively and `read` shared while `work` runs. Waiters are served in the order of their calls.
   */
  hold<T>(names: { changed: string; read?: string }, work: () => Promise<T>): Promise<T>
}

interface Queue {
  /** Resolves when the last writer has ended. */
  change: Promise<unknown>
  /** The readers that came after that writer. */
  reads: Promise<unknown>[]
  /** Number of callers that wait or work. */
  inside: number
}

/** Opens an empty set of locks. */
export function openVolumeLocks(): VolumeLocks {
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
    async hold({ changed, read }, work) {
      let release: () => void = () => undefined
      const end = new Promise<void>((resolve) => {
        release = resolve
      })
      // Both queues are entered in the same step, so that two callers can never wait for each other.
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
