/** Lets a few run at once; the others wait in line. */
export interface Slots {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Waits until nobody runs and nobody waits. */
  drained(): Promise<void>
}

export function openSlots(count: number): Slots {
  let free = count
  const line: (() => void)[] = []
  const watchers: (() => void)[] = []
  return {
    async run(work) {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => line.push(resolve))
      try {
        return await work()
      } finally {
        const next = line.shift()
        if (next) next()
        else free += 1
        if (free === count) for (const watcher of watchers.splice(0)) watcher()
      }
    },
    async drained() {
      if (free < count) await new Promise<void>((resolve) => watchers.push(resolve))
    },
  }
}
