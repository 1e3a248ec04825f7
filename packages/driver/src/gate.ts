/** Runs the work as soon as the limit of the gate permits. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

/** Opens a gate that runs at most `most` pieces of work at once; the others wait in the order of their calls. */
export function openGate(most: number): Gate {
  const waiting: (() => void)[] = []
  let inside = 0
  return async (work) => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve))
    else inside += 1
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else inside -= 1
    }
  }
}
