import { setTimeout as sleep } from 'node:timers/promises'
import type { BackendDeps } from './deps.ts'

const pauseMs = 100
/** Longest wait for copies: a copy whose creation never reaches a backend must not block its source for ever. */
const maxWaitMs = 600_000

/**
 * Waits until no volume is being created from the source, so that copies requested earlier see the source as it was
 * then. Returns after ten minutes in any case, or when the role stops. Call it before locking the source: the copies
 * lock it.
 */
export async function waitForCopies(
  source: { source_volid: string } | { snapshot_id: string },
  { database, signal }: Pick<BackendDeps, 'database' | 'signal'>,
): Promise<void> {
  const attempts = maxWaitMs / pauseMs
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
