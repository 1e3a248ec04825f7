import type { Answer, CallOptions, Client, Service } from '../../client.ts'

/** What every object inherits, `constructor` and `__proto__` among them, and a name that nothing inherits. */
export const names = [...Object.getOwnPropertyNames(Object.prototype), 'shoe_size']

/** Like `{ ...more, [name]: value }`, which makes a member of its own even of `__proto__`. */
export const holding = (name: string, value: unknown, more: object = {}): object => ({ ...more, [name]: value })

/** Calls once for each name; every answer must have the one status, that of a name which means nothing. */
export interface Row {
  title: string
  service: Service
  method: string
  status: number
  ask(name: string): CallOptions & { path: string }
  /** Whether the body and the headers are right too. */
  fits?(answer: Answer, name: string): boolean
}

/** What the rows act on, made before the first. */
export interface Targets {
  admin: Client
  member: Client
  volume: string
  snapshot: string
  type: string
  qos: string
  groupType: string
  image: string
}

export const has = (holder: object | undefined, name: string, value: unknown): boolean =>
  holder !== undefined && Object.hasOwn(holder, name) && Reflect.get(holder, name) === value

/** One row for each listing, asked with a query and these options. */
export const lists = (
  service: Service,
  paths: string[],
  query: (name: string) => string,
  options: CallOptions = {},
): Row[] =>
  paths.map((path) => ({
    title: `${path}?${query('NAME')}`,
    service,
    method: 'GET',
    status: 200,
    ask: (name) => ({ ...options, path: `${path}?${query(name)}` }),
  }))
