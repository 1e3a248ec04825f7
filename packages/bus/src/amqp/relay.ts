import { uuid } from '@hearth/core'
import { afterCommit, type Transaction } from '@hearth/database'
import type { BusOptions } from '../options.ts'
import { insertRetry, insertRow, leaseRows, type NewRow, newRow } from '../outbox.ts'
import { Remover } from '../remover.ts'
import { openTasks } from '../tasks.ts'
import type { MessageContext } from '../topic.ts'
import type { Sender } from './sender.ts'

/** Milliseconds for which a row is leased to the process that publishes it. */
const leaseMs = 15_000
const sweepMs = 2000
const mostAtOnce = 200

/**
 * Publishes casts from the outbox to the broker. Each process publishes its own casts right after their commit; a slow
 * sweep publishes rows that are left over from a crashed process or from the absence of the broker.
 */
export class Relay {
  readonly #options: BusOptions
  readonly #sender: Sender
  readonly #owner = uuid()
  readonly #remover: Remover
  readonly #publishing = new Set<string>()
  readonly #tasks = openTasks()
  readonly #timer: NodeJS.Timeout
  #sweeping = false
  #stopped = false

  constructor(options: BusOptions, sender: Sender) {
    this.#options = options
    this.#sender = sender
    this.#remover = new Remover(options.database.query, options.log)
    this.#timer = setInterval(() => this.sweep(), sweepMs).unref()
  }

  async put(tx: Transaction, topic: string, target: string, payload: unknown, context: MessageContext): Promise<void> {
    const row = {
      ...newRow(this.#options.service, { topic, target, payload, context }),
      owner: this.#owner,
      leased_until: Date.now() + leaseMs,
    }
    await insertRow(tx, row)
    afterCommit(tx, () => setImmediate(() => this.#tasks.add(this.#publish(row))))
  }

  /** Stores a failed delivery, which is published again at `not_before`. */
  async putBack(row: NewRow): Promise<void> {
    const { database } = this.#options
    await database.transaction((tx) => insertRetry(tx, row))
    setTimeout(() => this.sweep(), row.not_before - Date.now() + 1).unref()
  }

  /** Publishes rows that are due and not leased to another process. */
  sweep(): void {
    if (this.#sweeping || this.#stopped || !this.#sender.connected()) return
    this.#sweeping = true
    this.#tasks.add(
      this.#sweep()
        .catch((error: unknown) => this.#options.log.warn({ err: error }, 'the outbox could not be read'))
        .finally(() => {
          this.#sweeping = false
        }),
    )
  }

  /** Waits at most `graceMs` for messages that are being published; other rows stay in the outbox. */
  async close(graceMs: number): Promise<void> {
    this.#stopped = true
    clearInterval(this.#timer)
    await this.#tasks.settled(graceMs)
    await this.#remover.close()
  }

  async #sweep(): Promise<void> {
    const { database, service } = this.#options
    for (;;) {
      const leasedUntil = Date.now() + leaseMs
      const rows = await leaseRows(database.query, { service, owner: this.#owner, leasedUntil, limit: mostAtOnce })
      const fresh = rows.filter((row) => !this.#publishing.has(keyOf(row)))
      const published = await Promise.all(fresh.map((row) => this.#publish(row)))
      if (rows.length < mostAtOnce || !published.some(Boolean) || this.#stopped) return
    }
  }

  /** Publishes a row. Returns true when the broker has the message and the row is deleted. */
  async #publish(row: NewRow): Promise<boolean> {
    const key = keyOf(row)
    if (this.#publishing.has(key) || !this.#sender.connected()) return false
    this.#publishing.add(key)
    try {
      await this.#sender.cast(row)
      await this.#remover.remove(row)
      return true
    } catch (error) {
      const about = { err: error, topic: row.topic, target: row.target, messageId: row.id }
      this.#options.log.warn(about, 'could not send a message to the broker; trying again')
      return false
    } finally {
      this.#publishing.delete(key)
    }
  }
}

const keyOf = (row: NewRow): string => `${row.id} ${row.attempts}`
