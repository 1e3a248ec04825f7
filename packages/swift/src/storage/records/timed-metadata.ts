import type { TimedMetadata } from './operations.ts'

/** The newer value of each name wins. */
export function mergeMetadata(stored: TimedMetadata, changes: TimedMetadata): TimedMetadata {
  const merged = new Map(Object.entries(stored))
  for (const [name, change] of Object.entries(changes)) {
    const before = merged.get(name)
    if (!before || before[1] < change[1]) merged.set(name, change)
  }
  return Object.fromEntries(merged)
}
