import type { Logger } from '@hearth/core'
import type { Query } from '@hearth/database'
import { deleteRows } from './outbox.ts'

/** Deletes outbox rows; those finished while a deletion runs share the next one, so 200 casts cost few commits. */
export interface Remover {
  /** Resolves when the row is gone. Keeps trying until closed. */
  remove(id: string): Promise<void>
  /** Tries a last time what is left; gives up what fails then: such rows are delivered again. */
  close(): Promise<void>
}

const mostAtOnce = 500
const pauseMs = 1000

export function openRemover(query: Query, log: Logger): Remover {
  let waiting: { id: string; done: () => void }[] = []
  let running: Promise<void> | undefined
  let closed = false

  async function work(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, mostAtOnce)
      try {
        await deleteRows(
          query,
          batch.map(({ id }) => id),
        )
        for (const { done } of batch) done()
      } catch (error) {
        if (closed) return
        log.warn({ err: error, count: batch.length }, 'finished messages could not be removed yet')
        waiting = [...batch, ...waiting]
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
      }
    }
  }

  function start(): Promise<void> {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }

  return {
    remove(id) {
      return new Promise((done) => {
        waiting.push({ id, done })
        void start()
      })
    },
    async close() {
      closed = true
      await running
      await start()
    },
  }
}
