import { setTimeout as sleep } from 'node:timers/promises'
import { isDiskFull } from '@hearth/core'
import type { Knex } from 'knex'
import type { Transaction } from './database.ts'
import { isConnectionLoss, isContention, isNeverSent } from './failures.ts'

type Listener = () => void

const listeners = new WeakMap<object, Listener[]>()
const mostAttempts = 12

/**
 * Calls `listener` once `tx` is committed, never when it is rolled back. `tx` comes from `Database.transaction`, or
 * is nested in one that does.
 */
export function afterCommit(tx: Transaction, listener: Listener): void {
  const list = listOf(tx)
  if (!list) throw new Error('afterCommit needs a transaction of Database.transaction')
  list.push(listener)
}

function listOf(tx: Transaction): Listener[] | undefined {
  let current: Transaction | undefined = tx
  while (current) {
    const list = listeners.get(current)
    if (list) return list
    current = current.parentTransaction as Transaction | undefined
  }
  return undefined
}

/**
 * Runs `work` in a transaction and tries again while the engine aborts it in favour of others (about 10 s in all), or
 * once more when the disk was full and `relieve` made room.
 */
export async function runTransaction<T>(
  pool: Knex,
  work: (tx: Transaction) => Promise<T>,
  around: (run: () => Promise<T>) => Promise<T>,
  relieve: () => boolean = () => false,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const run: { committing: boolean; committed: Listener[] } = { committing: false, committed: [] }
    try {
      const result = await pool.transaction((tx) => {
        listeners.set(tx, run.committed)
        return around(() => work(tx)).then((value) => {
          run.committing = true
          return value
        })
      })
      for (const listener of run.committed) listener()
      return result
    } catch (error) {
      const again = isContention(error) || isNeverSent(error) || (!run.committing && isConnectionLoss(error))
      if (isDiskFull(error) && relieve()) continue
      if (!again || attempt >= mostAttempts) throw error
      await sleep(Math.min(2 ** attempt * 5, 1500) * (0.5 + Math.random()))
    }
  }
}
