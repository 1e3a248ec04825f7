/** Answers by their keys, each asked for at most once in `ms`. */
export type Remembered<T> = (key: string, ask: () => Promise<T>) => Promise<T>

/** A failure is thrown to all who asked meanwhile, and forgotten. */
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
