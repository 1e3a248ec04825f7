import { uuid } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import { type Answer, openAnswer, timeoutOf } from '../answer.ts'
import { type Handler, handleCall, handleFanout, type Served } from '../handle.ts'
import type { BusOptions } from '../options.ts'
import { checkKind, checkPayload } from '../payload.ts'
import { openTasks } from '../tasks.ts'
import type { Bus, Message, MessageContext, Topic } from '../topic.ts'
import { Casts } from './casts.ts'
import { type Hub, takeHub } from './hub.ts'

const retryMs = 50

/** Bus within one process. Payloads and replies pass through JSON, so that nothing is shared, as with amqp. */
export class MemoryBus implements Bus {
  readonly #options: BusOptions
  readonly #hub: Hub
  readonly #release: () => void
  readonly #tasks = openTasks()
  readonly #casts: Casts
  readonly #leaves: (() => void)[] = []
  #closing: Promise<void> | undefined

  constructor(name: string, options: BusOptions) {
    const { hub, release } = takeHub(name)
    this.#options = options
    this.#hub = hub
    this.#release = release
    this.#casts = new Casts(hub, options, this.#tasks)
  }

  async cast<P>(tx: Transaction, topic: Topic<P>, target: string, payload: P, context: MessageContext): Promise<void> {
    checkKind(topic, 'cast')
    checkPayload(topic, payload)
    await this.#casts.put(tx, topic.name, target, payload, context)
  }

  async call<P, R>(
    topic: Topic<P, R>,
    target: string,
    payload: P,
    context: MessageContext,
    timeoutMs = 60_000,
  ): Promise<R> {
    checkKind(topic, 'call')
    checkPayload(topic, payload)
    const answer = await this.#ask(topic, target, newMessage(payload, context), Date.now() + timeoutMs)
    return openAnswer(copy(answer)) as R
  }

  fanout<P>(topic: Topic<P>, payload: P, context: MessageContext): void {
    const { log } = this.#options
    try {
      checkKind(topic, 'fanout')
      checkPayload(topic, payload)
    } catch (error) {
      log.error({ err: error, topic: topic.name }, 'a message was not sent')
      return
    }
    for (const served of this.#hub.listeners) {
      if (served.topic.name !== topic.name) continue
      const message = newMessage(payload, context)
      setImmediate(() => this.#tasks.add(handleFanout(served, message, log)))
    }
  }

  async serve<P, R>(topic: Topic<P, R>, target: string, handler: (message: Message<P>) => Promise<R>): Promise<void> {
    const served: Served = { topic, target, handler: handler as Handler }
    if (topic.kind !== 'fanout') this.#leaves.push(this.#hub.join(served))
    else {
      this.#hub.listeners.add(served)
      this.#leaves.push(() => this.#hub.listeners.delete(served))
    }
  }

  isConnected(): boolean {
    return true
  }

  close(graceMs = 10_000): Promise<void> {
    this.#closing ??= this.#shut(graceMs)
    return this.#closing
  }

  async #shut(graceMs: number): Promise<void> {
    this.#casts.stop()
    for (const leave of this.#leaves) leave()
    const finished = await this.#tasks.settled(graceMs)
    if (!finished) this.#options.log.warn('some handlers are still running; their messages will be delivered again')
    await this.#casts.close()
    this.#release()
  }

  async #ask(topic: Topic, target: string, message: Message<unknown>, deadline: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    let retry: NodeJS.Timeout | undefined
    const run = async (served: Served): Promise<void> => {
      if (Date.now() >= deadline) return
      const work = handleCall(served, message, this.#options.log)
      this.#tasks.add(work)
      resolve(await work)
    }
    const offer = (): void => {
      if (this.#hub.offer(topic.name, target, { message, run, drop: offer }, false)) return
      retry = setTimeout(offer, retryMs)
    }
    const end = setTimeout(() => reject(timeoutOf(topic.name, target, 'it took too long')), deadline - Date.now())
    offer()
    try {
      return await promise
    } finally {
      clearTimeout(end)
      clearTimeout(retry)
    }
  }
}

function newMessage(payload: unknown, context: MessageContext): Message<unknown> {
  return { id: uuid(), payload: copy(payload), context: copy(context), attempt: 1 }
}

function copy<T>(value: T): T {
  return value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T)
}
