import type { Arbitrary } from 'fast-check'
import type { Started } from '../start.ts'

/** The running suite, as a target that speaks HTTP reaches it. */
export type Place = Pick<Started, 'urls' | 'admin' | 'demo' | 'pid' | 'dataFolder'>

/** Something that reads input from outside. */
export interface Target<Case = unknown> {
  /** Where the input is read: in the fuzzer's own child process, or in a running suite. */
  surface: 'process' | 'suite'
  /** By how much the process that reads may grow, MiB. */
  memoryMiB: number
  /** Prepares what the cases need. `place` is null for targets of the surface `process`. */
  open(place: Place | null): Promise<Session<Case>>
}

export interface Session<Case = unknown> {
  cases: Arbitrary<Case>
  /** Throws an error whose first line names the broken invariant; equal first lines count as one finding. */
  run(input: Case): Promise<void> | void
  close?(): Promise<void> | void
}

/** Keeps the type of the cases between `cases` and `run`. */
export const define = <Case>(definition: Target<Case>): Target => definition as unknown as Target

/** Runs `work`; its error must be one that `isExpected` knows. Returns the result, or undefined after such an error. */
export async function refusedOr<T>(
  work: () => T | Promise<T>,
  isExpected: (error: Error) => boolean,
): Promise<Awaited<T> | undefined> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Error && isExpected(error)) return undefined
    throw new Error(`threw an error that is not its own: ${String(error)}`, { cause: error })
  }
}
