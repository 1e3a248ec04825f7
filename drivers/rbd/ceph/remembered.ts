/** Returns the cached value of a key, or calls `ask`: at most once per key in `ms`. */
export type Remembered<T> = (key: string, ask: () => Promise<T>) => Promise<T>

/** Opens a cache of `ms` milliseconds. A failure is thrown to all callers that wait for it, and is not cached. */
export function openRemembered<T>(ms: number): Remembered<T> {
  const known = new Map<string, { at: number; answer: Promise<T> }>()
  return (key, ask) => {
    const now = performance.now()
    for (const [old, { at }] of known) {
      if (now - at < ms) break
      known.delete(old)
    }
    const found = known.get(key)
    if (found) return found.answer
    const answer = ask()
    const entry = { at: now, answer }
    known.set(key, entry)
    answer.catch(() => known.get(key) === entry && known.delete(key))
    return answer
  }
}
