/** Returns the properties of `given` that are not in `known`, without `links`. */
export function extrasOf(given: Record<string, unknown>, known: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([key]) => !known.includes(key) && key !== 'links'))
}

/** Returns the extra attributes after an update. */
export function mergeExtras(
  old: Record<string, unknown>,
  given: Record<string, unknown>,
  known: readonly string[],
): Record<string, unknown> {
  return { ...old, ...extrasOf(given, known) }
}

/** Returns true when `options.immutable` forbids the change: it is set and `given` does not clear it. */
export function isImmutable(options: Record<string, unknown>, given?: Record<string, unknown>): boolean {
  return options.immutable === true && given?.immutable !== false
}
