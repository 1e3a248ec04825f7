import { StorageError } from '../storage/errors.ts'
import { quorumOf } from './cluster.ts'

export type Outcome<T> = { value: T } | { error: StorageError }

/** How long the slowest device may take once enough have answered. */
const patience = 500

/** Waits for all of the work, or until a quorum of it has succeeded and `patience` has passed. Never throws. */
export async function settle<T>(work: Promise<T>[], replicas = work.length): Promise<Outcome<T>[]> {
  const outcomes: (Outcome<T> | undefined)[] = work.map(() => undefined)
  let successes = 0
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve) => {
    let left = work.length
    if (left === 0) resolve()
    work.forEach((each, index) => {
      each
        .then((value) => {
          outcomes[index] = { value }
          successes++
        })
        .catch((error: unknown) => {
          outcomes[index] = {
            error: error instanceof StorageError ? error : new StorageError('offline', (error as Error).message),
          }
        })
        .finally(() => {
          left--
          if (left === 0) resolve()
          else if (successes >= quorumOf(replicas) && timer === undefined) timer = setTimeout(resolve, patience)
        })
    })
  })
  clearTimeout(timer)
  return outcomes.map((outcome) => outcome ?? { error: new StorageError('offline', 'no answer in time') })
}

export const valuesOf = <T>(outcomes: Outcome<T>[]): T[] =>
  outcomes.flatMap((outcome) => ('value' in outcome ? [outcome.value] : []))

/** The status a client gets when devices failed: 507 when all that failed were full, else 503. */
export function failureStatus(outcomes: Outcome<unknown>[]): 503 | 507 {
  const errors = outcomes.flatMap((outcome) => ('error' in outcome ? [outcome.error] : []))
  return errors.length > 0 && errors.every((error) => error.kind === 'full') ? 507 : 503
}
