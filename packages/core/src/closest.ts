/** The one of `names` that `word` most likely meant, upper and lower case alike; undefined when none is near. */
export function closest(word: string, names: Iterable<string>): string | undefined {
  const most = Math.max(1, Math.floor(word.length / 3))
  let best: { name: string; steps: number } | undefined
  for (const name of names) {
    const steps = distance(word.toLowerCase(), name.toLowerCase())
    if (steps <= most && (best === undefined || steps < best.steps)) best = { name, steps }
  }
  return best?.name
}

/** Letters to insert, remove, replace or exchange with their neighbour (optimal string alignment). */
function distance(from: string, to: string): number {
  let before: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_none, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const next = [row]
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1]
      let steps = Math.min(last[column]! + 1, next[column - 1]! + 1, last[column - 1]! + (same ? 0 : 1))
      const exchanged = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1]
      if (exchanged) steps = Math.min(steps, before[column - 2]! + 1)
      next.push(steps)
    }
    before = last
    last = next
  }
  return last[to.length]!
}
