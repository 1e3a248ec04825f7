/** Returns the next pseudo-random number in [0, 1). */
export type Random = () => number

/** Returns a generator that gives the same numbers for the same seed (xorshift, 32 bits). */
export function seededRandom(seed: string): Random {
  let state = 2166136261
  for (const letter of seed) state = Math.imul(state ^ letter.charCodeAt(0), 16777619) >>> 0
  state = state || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 2 ** 32
  }
}

/** Shuffles the array in place and returns it. */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let last = items.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const swapped = items[last]!
    items[last] = items[other]!
    items[other] = swapped
  }
  return items
}
