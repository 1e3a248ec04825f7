import { uuid } from '@hearth/core'
import { afterCommit, type Transaction } from '@hearth/database'
import { handleCast, pauseAfter } from '../handle.ts'
import type { BusOptions } from '../open.ts'
import { countAttempt, insertRow, messageOf, type NewRow, postponeRow, waitingPairs, waitingRows } from '../outbox.ts'
import { openRemover } from '../remover.ts'
import type { Tasks } from '../tasks.ts'
import type { MessageContext } from '../topic.ts'
import type { Hub } from './hub.ts'

const mostLoaded = 1000
const sweepMs = 5000
const removalMs = 50

/** Casts within one process: a row of the outbox is the message, and stays until its handler is done. */
export interface Casts {
  put(tx: Transaction, topic: string, target: string, payload: unknown, context: MessageContext): Promise<void>
  /** Delivers nothing more; messages at work may still finish. */
  stop(): void
  /** Waits until finished messages are removed. */
  close(): Promise<void>
}

export function openCasts(hub: Hub, options: BusOptions, tasks: Tasks): Casts {
  const { database, log, service } = options
  const remover = openRemover(database.query, log)
  const loads = new Set<string>()
  /** Ids removed while a load was reading, which it may have seen: delivered already. */
  const removed = new Set<string>()
  let stopped = false

  function deliver(row: NewRow): void {
    if (stopped || hub.inFlight.has(row.id) || removed.has(row.id)) return
    const message = messageOf(row)
    hub.inFlight.add(row.id)
    const taken = hub.offer(
      row.topic,
      row.target,
      {
        message,
        run(served) {
          const work = handleCast(served, message, log).then((over) => (over ? finish(row) : postpone(row)))
          tasks.add(work)
          return work
        },
        drop: () => hub.inFlight.delete(row.id),
      },
      true,
    )
    if (!taken) hub.inFlight.delete(row.id)
  }

  async function finish(row: NewRow): Promise<void> {
    // Not awaited: the next message need not wait for this one's removal.
    const gone = remover.remove(row.id).then(() => {
      if (loads.size > 0) removed.add(row.id)
      hub.inFlight.delete(row.id)
    })
    void gone
  }

  async function postpone(row: NewRow): Promise<void> {
    const attempts = row.attempts + 1
    const pause = pauseAfter(attempts, options.firstPauseMs ?? 1000)
    const notBefore = Date.now() + pause
    try {
      await postponeRow(database.query, row.id, attempts, notBefore)
    } catch (error) {
      log.warn({ err: error, messageId: row.id }, 'a failed delivery could not be noted')
    }
    setTimeout(() => {
      hub.inFlight.delete(row.id)
      deliver({ ...row, attempts, not_before: notBefore })
    }, pause).unref()
  }

  async function load(topic: string, target: string): Promise<void> {
    const key = `${topic}\n${target}`
    if (stopped || loads.has(key) || !hub.serves(topic, target)) return
    loads.add(key)
    try {
      const rows = await waitingRows(database.query, { service, topic, target, limit: mostLoaded })
      const fresh = rows.filter((row) => !hub.inFlight.has(row.id))
      const old = fresh.filter((row) => row.created_at < hub.openedAt)
      if (old.length > 0) {
        await countAttempt(
          database.query,
          old.map((row) => row.id),
        )
        for (const row of old) row.attempts += 1
      }
      for (const row of fresh) deliver(row)
      // Only now, as the loader does nothing while it runs; later when all that was read is being removed just then.
      if (rows.length === mostLoaded) {
        setTimeout(() => hub.fallBehind(topic, target), fresh.length > 0 ? 0 : removalMs).unref()
      }
    } catch (error) {
      if (!stopped) log.warn({ err: error, topic, target }, 'the outbox could not be read')
    } finally {
      loads.delete(key)
      if (loads.size === 0) removed.clear()
    }
  }

  const loader = (topic: string, target: string) => tasks.add(load(topic, target))
  hub.loaders.add(loader)

  async function sweep(): Promise<void> {
    try {
      for (const { topic, target } of await waitingPairs(database.query, service)) await load(topic, target)
    } catch (error) {
      if (!stopped) log.warn({ err: error }, 'the outbox could not be read')
    }
  }
  const timer = setInterval(() => tasks.add(sweep()), sweepMs).unref()

  return {
    async put(tx, topic, target, payload, context) {
      const row: NewRow = {
        id: uuid(),
        service,
        topic,
        target,
        payload: JSON.stringify(payload),
        context: JSON.stringify(context),
        attempts: 0,
        not_before: 0,
        owner: null,
        leased_until: 0,
        created_at: Date.now(),
      }
      await insertRow(tx, row)
      // Later than the commit's own caller, whose answer goes out first.
      afterCommit(tx, () => setImmediate(() => deliver(row)))
    },
    stop() {
      stopped = true
      clearInterval(timer)
      hub.loaders.delete(loader)
    },
    close: () => remover.close(),
  }
}
