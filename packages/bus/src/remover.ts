import type { Logger } from '@hearth/core'
import type { Query } from '@hearth/database'
import { deleteRows } from './outbox.ts'

const mostAtOnce = 500
const pauseMs = 1000

interface Waiting {
  id: string
  attempts: number
  done(): void
}

/** Deletes outbox rows; those finished while a deletion runs share the next one, so 200 casts cost few commits. */
export class Remover {
  readonly #query: Query
  readonly #log: Logger
  #waiting: Waiting[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(query: Query, log: Logger) {
    this.#query = query
    this.#log = log
  }

  /** Resolves when the row is deleted. Retries until `close`. */
  remove({ id, attempts }: { id: string; attempts: number }): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push({ id, attempts, done })
      void this.#start()
    })
  }

  /** Tries once more to delete the waiting rows. Rows that it cannot delete are delivered again later. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
    await this.#start()
  }

  #start(): Promise<void> {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, mostAtOnce)
      try {
        await deleteRows(this.#query, batch)
        for (const { done } of batch) done()
      } catch (error) {
        if (this.#closed) return
        this.#log.warn({ err: error, count: batch.length }, 'finished messages could not be removed yet')
        this.#waiting = [...batch, ...this.#waiting]
        await new Promise((resolve) => setTimeout(resolve, pauseMs).unref())
      }
    }
  }
}
