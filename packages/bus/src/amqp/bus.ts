import { hostname } from 'node:os'
import type { Transaction } from '@hearth/database'
import { openAnswer } from '../answer.ts'
import { type Handler, pauseAfter } from '../handle.ts'
import type { BusOptions } from '../options.ts'
import { newRow } from '../outbox.ts'
import { checkKind, checkPayload } from '../payload.ts'
import type { Bus, Message, MessageContext, Topic } from '../topic.ts'
import type { PutBack } from './cast-worker.ts'
import { Receiver } from './receiver.ts'
import { Relay } from './relay.ts'
import { Sender } from './sender.ts'

/** Opens a bus over RabbitMQ. Throws when the broker refuses or cannot be reached for 8 s. */
export async function openAmqpBus(url: string, options: BusOptions): Promise<Bus> {
  const bus = new AmqpBus(url, options)
  try {
    await bus.open()
    return bus
  } catch (error) {
    await bus.close(0)
    throw error
  }
}

/** Bus between hosts, over RabbitMQ. */
class AmqpBus implements Bus {
  readonly #options: BusOptions
  readonly #sender: Sender
  readonly #relay: Relay
  readonly #receiver: Receiver
  #closing: Promise<void> | undefined

  constructor(url: string, options: BusOptions) {
    const { log, service, firstPauseMs } = options
    const name = `hearth ${service} on ${hostname()}, process ${process.pid},`
    this.#options = options
    const broker = { url, tls: options.tls }
    this.#sender = new Sender(broker, name, log, () => this.#relay.sweep())
    this.#relay = new Relay(options, this.#sender)
    const putBack: PutBack = ({ topic, target }, { id, payload, context }, attempts) => {
      const row = newRow(service, { topic: topic.name, target, payload, context })
      const notBefore = Date.now() + pauseAfter(attempts, firstPauseMs ?? 1000)
      return this.#relay.putBack({ ...row, id, attempts, not_before: notBefore })
    }
    this.#receiver = new Receiver(broker, name, log, putBack)
  }

  async open(): Promise<void> {
    await Promise.all([this.#sender.open(), this.#receiver.open()])
  }

  async cast<P>(tx: Transaction, topic: Topic<P>, target: string, payload: P, context: MessageContext): Promise<void> {
    checkKind(topic, 'cast')
    checkPayload(topic, payload)
    await this.#relay.put(tx, topic.name, target, payload, context)
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
    return openAnswer(await this.#sender.call(topic.name, target, { payload, context }, timeoutMs)) as R
  }

  fanout<P>(topic: Topic<P>, payload: P, context: MessageContext): void {
    try {
      checkKind(topic, 'fanout')
      checkPayload(topic, payload)
      this.#sender.fanout(topic.name, { payload, context })
    } catch (error) {
      this.#options.log.error({ err: error, topic: topic.name }, 'a message was not sent')
    }
  }

  serve<P, R>(topic: Topic<P, R>, target: string, handler: (message: Message<P>) => Promise<R>): Promise<void> {
    return this.#receiver.serve({ topic, target, handler: handler as Handler })
  }

  isConnected(): boolean {
    return this.#sender.connected() && this.#receiver.isUp
  }

  close(graceMs = 10_000): Promise<void> {
    this.#closing ??= this.#shut(graceMs)
    return this.#closing
  }

  async #shut(graceMs: number): Promise<void> {
    const end = Date.now() + graceMs
    const finished = await this.#receiver.stop(graceMs)
    if (!finished) this.#options.log.warn('some handlers are still running; their messages will be delivered again')
    await this.#receiver.close()
    await this.#relay.close(Math.max(end - Date.now(), 100))
    await this.#sender.close()
  }
}
