/** One deed at a time for each name; deeds of different names run side by side. */
export type Exclusive = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** Of this process only: what holds for several needs the storage’s own lock. */
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
