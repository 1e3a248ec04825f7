import { uuid } from '@hearth/core'
import { type Answer, openAnswer, timeoutOf } from '../answer.ts'
import { type Handler, handleCall, handleFanout, type Served } from '../handle.ts'
import type { BusOptions } from '../open.ts'
import { checkKind, checkPayload } from '../payload.ts'
import { openTasks } from '../tasks.ts'
import type { Bus, Message, MessageContext, Topic } from '../topic.ts'
import { openCasts } from './casts.ts'
import { takeHub } from './hub.ts'

const retryMs = 50

/** The bus of one process. Payloads and replies pass through JSON, so nothing is shared and it behaves as amqp does. */
export function openMemoryBus(name: string, options: BusOptions): Bus {
  const { log } = options
  const { hub, release } = takeHub(name)
  const tasks = openTasks()
  const casts = openCasts(hub, options, tasks)
  const leaves: (() => void)[] = []
  let closing: Promise<void> | undefined

  async function ask(topic: Topic, target: string, message: Message<unknown>, deadline: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    let retry: NodeJS.Timeout | undefined
    const end = setTimeout(() => reject(timeoutOf(topic.name, target, 'it took too long')), deadline - Date.now())
    const delivery = {
      message,
      async run(served: Served) {
        if (Date.now() >= deadline) return
        const work = handleCall(served, message, log)
        tasks.add(work)
        resolve(await work)
      },
      drop: () => offer(),
    }
    const offer = (): void => {
      if (!hub.offer(topic.name, target, delivery, false)) retry = setTimeout(offer, retryMs)
    }
    offer()
    try {
      return await promise
    } finally {
      clearTimeout(end)
      clearTimeout(retry)
    }
  }

  function listen(served: Served): () => void {
    hub.listeners.add(served)
    return () => hub.listeners.delete(served)
  }

  async function shut(graceMs: number): Promise<void> {
    casts.stop()
    for (const leave of leaves) leave()
    const finished = await tasks.settled(graceMs)
    if (!finished) log.warn('messages are still at work; they will be delivered again')
    await casts.close()
    release()
  }

  return {
    async cast(tx, topic, target, payload, context) {
      checkKind(topic, 'cast')
      checkPayload(topic, payload)
      await casts.put(tx, topic.name, target, payload, context)
    },
    async call<P, R>(topic: Topic<P, R>, target: string, payload: P, context: MessageContext, timeoutMs = 60_000) {
      checkKind(topic, 'call')
      checkPayload(topic, payload)
      const message = { id: uuid(), payload: copy(payload), context: copy(context), attempt: 1 }
      const answer = await ask(topic, target, message, Date.now() + timeoutMs)
      return openAnswer(copy(answer)) as R
    },
    fanout(topic, payload, context) {
      try {
        checkKind(topic, 'fanout')
        checkPayload(topic, payload)
      } catch (error) {
        return log.error({ err: error, topic: topic.name }, 'a message was not sent')
      }
      for (const served of [...hub.listeners]) {
        if (served.topic.name !== topic.name) continue
        const message = { id: uuid(), payload: copy(payload), context: copy(context), attempt: 1 }
        setImmediate(() => tasks.add(handleFanout(served, message, log)))
      }
    },
    async serve(topic, target, handler) {
      const served: Served = { topic, target, handler: handler as Handler }
      leaves.push(topic.kind === 'fanout' ? listen(served) : hub.join(served))
    },
    close(graceMs = 10_000) {
      closing ??= shut(graceMs)
      return closing
    },
  }
}

function copy<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
}
