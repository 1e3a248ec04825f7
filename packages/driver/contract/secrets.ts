import { inspect } from 'node:util'
import type { DriverLog } from '../src/index.ts'

/** Hears what a driver says in its log and in its errors, to look for secrets in it. */
export interface Listener {
  log: DriverLog
  /** The driver with every failure of its methods heard. */
  heed<T extends object>(driver: T): T
  /** Log lines and errors so far, in full: messages, details, causes, stacks. */
  said(): string
}

/** Opens a log that records every message, so that tests can search it for secrets. */
export function openListener(): Listener {
  const lines: string[] = []
  const hear = (...words: unknown[]): void => {
    lines.push(words.map((word) => inspect(word, { depth: 12, showHidden: true, maxStringLength: null })).join(' '))
  }
  return {
    log: { debug: hear, info: hear, warn: hear, error: hear },
    heed: (driver) => heedMethods(driver, hear),
    said: () => lines.join('\n'),
  }
}

function heedMethods<T extends object>(driver: T, hear: (error: unknown) => void): T {
  const heeded = Object.entries(driver).map(([key, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [key, value]
    const method = (...given: unknown[]): unknown => {
      const result: unknown = value.apply(driver, given)
      if (result instanceof Promise) result.catch(hear)
      return result
    }
    return [key, method]
  })
  return Object.fromEntries(heeded) as T
}
