import { isHearthError, type Logger } from '@hearth/core'
import { type Answer, failureAnswer } from './answer.ts'
import { checkPayload } from './payload.ts'
import type { Message, Topic } from './topic.ts'

export type Handler = (message: Message<unknown>) => Promise<unknown>

export interface Served {
  topic: Topic
  target: string
  handler: Handler
}

/** Most messages of one `serve` that run at once. */
export const concurrency = 64

/** Handles one cast. Returns true when it is finished, false when it must be delivered again. Never throws. */
export async function handleCast(served: Served, message: Message<unknown>, log: Logger): Promise<boolean> {
  const about = { topic: served.topic.name, target: served.target, messageId: message.id, attempt: message.attempt }
  const requestId = message.context.requestId
  try {
    checkPayload(served.topic, message.payload)
    await served.handler(message)
    return true
  } catch (error) {
    if (isHearthError(error)) {
      log.warn({ ...about, requestId, err: error }, 'a message was refused by its handler')
      return true
    }
    log.error({ ...about, requestId, err: error }, 'a message failed and will be delivered again')
    return false
  }
}

/** Handles one call and returns its reply or error. Never throws. */
export async function handleCall(served: Served, message: Message<unknown>, log: Logger): Promise<Answer> {
  const { topic, target, handler } = served
  try {
    checkPayload(topic, message.payload)
    return { value: await handler(message) }
  } catch (error) {
    if (!isHearthError(error)) {
      log.error({ topic: topic.name, target, requestId: message.context.requestId, err: error }, 'a call failed')
    }
    return failureAnswer(error, topic.name, target)
  }
}

/** Hands a fanout to one listener; logs its failure. Never throws. */
export async function handleFanout(served: Served, message: Message<unknown>, log: Logger): Promise<void> {
  try {
    checkPayload(served.topic, message.payload)
    await served.handler(message)
  } catch (error) {
    log.error({ topic: served.topic.name, requestId: message.context.requestId, err: error }, 'a listener failed')
  }
}

/**
 * Returns the milliseconds to wait before delivery number `attempt + 1`: the first pause doubled each time, at most a
 * minute.
 */
export function pauseAfter(attempt: number, firstPauseMs: number): number {
  return Math.min(firstPauseMs * 2 ** Math.min(attempt - 1, 30), Math.max(60_000, firstPauseMs))
}
