import { afterCommit, type Transaction } from '@hearth/database'
import { handleCast, pauseAfter, type Served } from '../handle.ts'
import type { BusOptions } from '../options.ts'
import {
  countAttempt,
  insertRow,
  messageOf,
  type NewRow,
  newRow,
  type OutboxRow,
  postponeRow,
  waitingPairs,
  waitingRows,
} from '../outbox.ts'
import { Remover } from '../remover.ts'
import type { Tasks } from '../tasks.ts'
import type { MessageContext } from '../topic.ts'
import type { Hub } from './hub.ts'

const mostLoaded = 1000
const sweepMs = 5000
const removalMs = 50

/** Casts within one process: the message is a row of the outbox, which stays until the handler is done. */
export class Casts {
  readonly #hub: Hub
  readonly #options: BusOptions
  readonly #tasks: Tasks
  readonly #remover: Remover
  readonly #loads = new Set<string>()
  /** Ids of rows that were deleted during a load. The load may have read them; they are already delivered. */
  readonly #removed = new Set<string>()
  readonly #loader = (topic: string, target: string): void => this.#tasks.add(this.#load(topic, target))
  readonly #sweeping: NodeJS.Timeout
  #stopped = false

  constructor(hub: Hub, options: BusOptions, tasks: Tasks) {
    this.#hub = hub
    this.#options = options
    this.#tasks = tasks
    this.#remover = new Remover(options.database.query, options.log)
    this.#sweeping = setInterval(() => tasks.add(this.#sweep()), sweepMs).unref()
    hub.loaders.add(this.#loader)
  }

  async put(tx: Transaction, topic: string, target: string, payload: unknown, context: MessageContext): Promise<void> {
    const row = newRow(this.#options.service, { topic, target, payload, context })
    await insertRow(tx, row)
    // Deliver after the caller of the commit has continued, so that its response goes out first.
    afterCommit(tx, () => setImmediate(() => this.#deliver(row)))
  }

  /** Stops new deliveries; running handlers may still finish. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#sweeping)
    this.#hub.loaders.delete(this.#loader)
  }

  /** Waits until the rows of finished messages are deleted. */
  close(): Promise<void> {
    return this.#remover.close()
  }

  #deliver(row: NewRow): void {
    const { inFlight } = this.#hub
    if (this.#stopped || inFlight.has(row.id) || this.#removed.has(row.id)) return
    inFlight.add(row.id)
    const message = messageOf(row)
    const run = (served: Served): Promise<void> => {
      const work = handleCast(served, message, this.#options.log).then((over) =>
        over ? this.#finish(row) : this.#postpone(row),
      )
      this.#tasks.add(work)
      return work
    }
    const drop = (): boolean => inFlight.delete(row.id)
    if (!this.#hub.offer(row.topic, row.target, { message, run, drop }, true)) drop()
  }

  #finish(row: NewRow): void {
    // Not awaited: the next message does not wait for the deletion of this row.
    void this.#remover.remove(row).then(() => {
      if (this.#loads.size > 0) this.#removed.add(row.id)
      this.#hub.inFlight.delete(row.id)
    })
  }

  async #postpone(row: NewRow): Promise<void> {
    const { database, log, firstPauseMs } = this.#options
    const attempts = row.attempts + 1
    const pause = pauseAfter(attempts, firstPauseMs ?? 1000)
    const later = { ...row, attempts, not_before: Date.now() + pause }
    const noted = await postponeRow(database.query, row.id, attempts, later.not_before).then(
      () => later,
      (error: unknown) => {
        log.warn({ err: error, messageId: row.id }, 'could not record a failed delivery in the outbox')
        return row
      },
    )
    setTimeout(() => {
      this.#hub.inFlight.delete(row.id)
      this.#deliver(noted)
    }, pause).unref()
  }

  async #load(topic: string, target: string): Promise<void> {
    const key = `${topic}\n${target}`
    if (this.#stopped || this.#loads.has(key) || !this.#hub.serves(topic, target)) return
    this.#loads.add(key)
    const { database, service, log } = this.#options
    try {
      const rows = await waitingRows(database.query, { service, topic, target, limit: mostLoaded })
      const fresh = rows.filter((row) => !this.#hub.inFlight.has(row.id))
      await this.#countUnsure(fresh)
      for (const row of fresh) this.#deliver(row)
      // The batch was full: load again. Wait briefly if all its rows are still being deleted, or they would be read
      // again.
      if (rows.length === mostLoaded) {
        setTimeout(() => this.#hub.fallBehind(topic, target), fresh.length > 0 ? 0 : removalMs).unref()
      }
    } catch (error) {
      if (!this.#stopped) log.warn({ err: error, topic, target }, 'the outbox could not be read')
    } finally {
      this.#loads.delete(key)
      if (this.#loads.size === 0) this.#removed.clear()
    }
  }

  /** Adds an attempt to rows of an earlier process, which may have delivered them. */
  async #countUnsure(rows: OutboxRow[]): Promise<void> {
    const old = rows.filter((row) => row.created_at < this.#hub.openedAt)
    if (old.length === 0) return
    const ids = old.map(({ id }) => id)
    await countAttempt(this.#options.database.query, ids)
    for (const row of old) row.attempts += 1
  }

  async #sweep(): Promise<void> {
    const { database, service, log } = this.#options
    try {
      for (const { topic, target } of await waitingPairs(database.query, service)) await this.#load(topic, target)
    } catch (error) {
      if (!this.#stopped) log.warn({ err: error }, 'the outbox could not be read')
    }
  }
}
