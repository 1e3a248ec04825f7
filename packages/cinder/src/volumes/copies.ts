import { setTimeout as sleep } from 'node:timers/promises'
import type { BackendDeps } from './backend-deps.ts'

const pauseMs = 100
/** A copy whose creation never reaches a backend must not hold its source for ever. */
const longestWaitMs = 600_000

/**
 * Waits until no volume is being made of the source any more: what was accepted earlier gets the source as it was then.
 * Returns after ten minutes in any case, or when the role stops. Call it before the source is locked: the copies lock it.
 */
export async function waitForCopies(
  source: { source_volid: string } | { snapshot_id: string },
  { database, signal }: Pick<BackendDeps, 'database' | 'signal'>,
): Promise<void> {
  const attempts = longestWaitMs / pauseMs
  for (let attempt = 0; attempt < attempts && !signal.aborted; attempt++) {
    const copy = await database
      .query('volumes')
      .where(source)
      .whereIn('status', ['creating', 'downloading'])
      .whereNull('launched_at')
      .first('id')
    if (!copy) return
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
  }
}
