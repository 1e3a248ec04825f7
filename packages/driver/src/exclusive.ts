/** Runs one `work` at a time for each name; work on different names runs in parallel. */
export type Exclusive = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Opens locks by name within this process; exclusion across processes needs a lock of the storage itself. */
export function openExclusive(): Exclusive {
  const tails = new Map<string, Promise<unknown>>()
  return async (name, work) => {
    const mine = (tails.get(name) ?? Promise.resolve()).then(work, work)
    tails.set(name, mine)
    try {
      return await mine
    } finally {
      if (tails.get(name) === mine) tails.delete(name)
    }
  }
}
