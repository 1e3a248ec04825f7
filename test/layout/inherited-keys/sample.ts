export const table: Record<string, number> = { one: 1 }
const closed = { one: 1 }
const list = [1, 2]

export function read(name: string, body: { name?: string }): unknown[] {
  return [
    table[name], // found
    table[body.name ?? ''], // found
    table[`${name}~`], // found
    closed[name as keyof typeof closed], // found
    name in table, // found
    closed.one,
    table.one,
    table['two words'],
    list[name.length],
    name[0],
  ]
}

export function write(name: string, value: number): void {
  table[name] = value // found
  table[name] ??= value // found
}

export function guarded(name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined
}

export function guardedElsewhere(name: string, other: string): number | undefined {
  return Object.hasOwn(table, other) ? table[name] : undefined // found
}

export function guardedWrite(name: string, value: number): void {
  if (!Object.hasOwn(table, name)) table[name] = value // found
}
