import { StorageError } from '../storage/errors.ts'
import { quorumOf } from './cluster.ts'

export type Outcome<T> = { value: T } | { error: StorageError }

interface SettleOptions<T> {
  /** Devices a quorum is counted of; as many as there is work when absent. */
  replicas?: number
  /** Milliseconds that the slowest device may take after enough have responded; default 500. */
  patience?: number
  /** Frees what a value owns that arrives after the wait has ended, such as an open file. */
  release?: (late: T) => unknown
}

/**
 * Waits for all of the work, or until a quorum has succeeded and `patience` has passed. Never throws. A value that
 * arrives later is passed to `release`, because no caller will receive it.
 */
export async function settle<T>(work: Promise<T>[], options: SettleOptions<T> = {}): Promise<Outcome<T>[]> {
  const { replicas = work.length, patience = 500, release } = options
  const outcomes: (Outcome<T> | undefined)[] = work.map(() => undefined)
  let successes = 0
  let ended = false
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    let left = work.length
    if (left === 0) resolve()
    const take = (index: number, outcome: Outcome<T>) => {
      if (ended) {
        if ('value' in outcome) void releaseLate(outcome.value, release)
        return
      }
      outcomes[index] = outcome
      if ('value' in outcome) successes++
      left--
      if (left === 0) resolve()
      else if (successes >= quorumOf(replicas)) timer ??= setTimeout(resolve, patience)
    }
    work.forEach((each, index) => {
      each.then(
        (value) => take(index, { value }),
        (error: unknown) => take(index, { error: asStorageError(error) }),
      )
    })
  })
  ended = true
  clearTimeout(timer)
  return outcomes.map((outcome) => outcome ?? { error: new StorageError('offline', 'no answer in time') })
}

async function releaseLate<T>(value: T, release: SettleOptions<T>['release']): Promise<void> {
  try {
    await release?.(value)
  } catch {
    // Whoever could be told has gone.
  }
}

const asStorageError = (error: unknown): StorageError =>
  error instanceof StorageError ? error : new StorageError('offline', (error as Error).message)

/** Returns the values of the outcomes that succeeded. */
export const valuesOf = <T>(outcomes: Outcome<T>[]): T[] =>
  outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []))

/** The status a client gets when devices failed: 507 when all that failed were full, else 503. */
export function failureStatus(outcomes: Outcome<unknown>[]): 503 | 507 {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  return errors.length > 0 && errors.every((error) => error.kind === 'full') ? 507 : 503
}
