/** Lets at most `size` pieces of work run at once; the rest wait in the order they came. */
export interface Limiter {
  run<T>(work: () => Promise<T>): Promise<T>
}

export function openLimiter(size: number): Limiter {
  let free = size
  const waiting: (() => void)[] = []
  return {
    async run(work) {
      if (free > 0) free--
      else await new Promise<void>((go) => waiting.push(go))
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next) next()
        else free++
      }
    },
  }
}
