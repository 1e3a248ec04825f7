/**
 * The state called `name`, made by `make` when this process has none yet: a driver that is closed and opened again
 * under the same name finds what it kept, as a real one would. Without a name the state is the caller's alone.
 */
export function sharedState<T>(states: Map<string, T>, name: unknown, make: () => T): T {
  if (typeof name !== 'string') return make()
  const known = states.get(name)
  if (known !== undefined) return known
  const made = make()
  states.set(name, made)
  return made
}
