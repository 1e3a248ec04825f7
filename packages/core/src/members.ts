/**
 * Returns the object's own member of this name; undefined for what every object inherits, such as `constructor`. A name
 * from outside must read an object this way only.
 */
export function own<T>(object: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Sets a member of any name; plainly assigned, `__proto__` would change the prototype or do nothing. */
export function setOwn<O extends Record<string, unknown>>(object: O, name: string, value: O[string]): void {
  if (name !== '__proto__') object[name as keyof O] = value
  else Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true })
}
