import { uuid } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { Bus, BusOptions, Topic } from '../src/index.ts'

export interface Payload {
  n: number
}
const schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false }
export const context = { requestId: 'req-1', userId: 'user', projectId: 'project' }

export interface Tools {
  openAnother(more?: Partial<BusOptions>): Promise<Bus>
  /** Casts `{ n }` in a transaction of its own. */
  send(bus: Bus, topic: Topic<Payload>, target: string, n: number): Promise<void>
  /** Returns the number of rows in the outbox. */
  left(): Promise<number>
  database(): Database
}

/** Returns a topic with a new name. */
export function newTopic<R = unknown>(kind: Topic['kind']): Topic<Payload, R> {
  return { name: `contract.${uuid()}`, kind, payload: schema }
}

/** Waits until `done` returns true; throws after `ms`. */
export async function until(done: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms
  while (!(await done())) {
    if (Date.now() > end) throw new Error('the condition did not become true in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
