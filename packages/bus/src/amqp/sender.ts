import { type Logger, uuid } from '@hearth/core'
import type { ChannelModel, ConfirmChannel, Message as Delivered } from 'amqplib'
import { type Answer, timeoutOf } from '../answer.ts'
import type { NewRow } from '../outbox.ts'
import type { MessageContext } from '../topic.ts'
import { type Broker, closeQuietly, Link } from './link.ts'
import { callQueue, castQueue, declareCastQueue, declareFanout, fanoutExchange, forgetQueue } from './queues.ts'

export interface Body {
  payload: unknown
  context: MessageContext
}

interface Asked {
  resolve(answer: Answer): void
  lost(): void
  /** Called when the broker found no queue: no process serves the target at the moment. */
  nobody(): void
}

const replyTo = 'amq.rabbitmq.reply-to'
const retryMs = 200
const encode = (body: Body): Buffer => Buffer.from(JSON.stringify(body))

/** Publishing half of the amqp bus. */
export class Sender {
  readonly #log: Logger
  readonly #link: Link
  #channel: ConfirmChannel | undefined
  /** Casts that the broker has not confirmed yet, by message id. */
  readonly #pending = new Map<string, (error: Error) => void>()
  /** Calls that have no reply yet, by correlation id. */
  readonly #asked = new Map<string, Asked>()

  /** Calls `up` after every connection. */
  constructor(broker: Broker, name: string, log: Logger, up: () => void) {
    this.#log = log
    const setUp = (model: ChannelModel): Promise<void> => this.#setUp(model)
    this.#link = new Link({ broker, name: `${name} sending`, log, setUp, up, down: () => this.#down() })
  }

  open(): Promise<void> {
    return this.#link.open()
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  connected(): boolean {
    return this.#link.current() !== undefined
  }

  /** Resolves when the broker has the message on disk; rejects when that is not certain. */
  async cast(row: NewRow): Promise<void> {
    const model = this.#link.current()
    if (!model) throw new Error('the message broker is away')
    const queue = castQueue(row.topic, row.target)
    await declareCastQueue(model, queue)
    const body = encode({ payload: JSON.parse(row.payload), context: JSON.parse(row.context) as MessageContext })
    try {
      await this.#publish(queue, row.id, body, { attempts: row.attempts, service: row.service })
    } catch (error) {
      forgetQueue(model, queue)
      throw error
    }
  }

  /** Sends a call and returns its reply. Throws MessagingTimeout when none arrives in time. */
  async call(topic: string, target: string, body: Body, timeoutMs: number): Promise<Answer> {
    const id = uuid()
    const deadline = Date.now() + timeoutMs
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    let retry: NodeJS.Timeout | undefined
    const fail = (reason: string): void => reject(timeoutOf(topic, target, reason))
    const nobody = (): void => {
      retry = setTimeout(ask, retryMs)
    }
    const ask = (): void => {
      if (!this.#channel) {
        nobody()
        return
      }
      this.#asked.set(id, { resolve, nobody, lost: () => fail('the connection to the message broker was lost') })
      const expiration = Math.max(deadline - Date.now(), 1)
      const options = { mandatory: true, messageId: id, correlationId: id, replyTo, expiration }
      this.#channel.sendToQueue(callQueue(topic, target), encode(body), options)
    }
    const end = setTimeout(() => fail('it took too long'), timeoutMs)
    ask()
    try {
      return await promise
    } finally {
      clearTimeout(end)
      clearTimeout(retry)
      this.#asked.delete(id)
    }
  }

  /** Publishes a fanout. Throws when the broker is not connected. */
  fanout(topic: string, body: Body): void {
    if (!this.#channel) throw new Error('the message broker is away')
    this.#channel.publish(fanoutExchange, topic, encode(body), { messageId: uuid() })
  }

  async #setUp(model: ChannelModel): Promise<void> {
    const channel = await model.createConfirmChannel()
    channel.on('error', (error) => this.#log.warn({ err: error }, 'a channel to the message broker failed'))
    channel.on('close', () => void closeQuietly(model))
    channel.on('return', (message) => this.#returned(message))
    await declareFanout(channel)
    const answered = (message: Delivered | null): void => {
      if (!message) return
      this.#asked.get(message.properties.correlationId)?.resolve(JSON.parse(message.content.toString()) as Answer)
    }
    await channel.consume(replyTo, answered, { noAck: true })
    this.#channel = channel
  }

  #down(): void {
    this.#channel = undefined
    for (const reject of this.#pending.values()) reject(new Error('the connection to the message broker was lost'))
    for (const { lost } of this.#asked.values()) lost()
  }

  /** Handles a message that the broker returned because no queue takes it; it arrives before its confirm. */
  #returned({ properties }: Delivered): void {
    if (properties.correlationId) this.#asked.get(properties.correlationId)?.nobody()
    this.#pending.get(properties.messageId)?.(new Error('the queue is gone'))
  }

  async #publish(queue: string, id: string, body: Buffer, headers: Record<string, unknown>): Promise<void> {
    if (!this.#channel) throw new Error('the message broker is away')
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#pending.set(id, reject)
    const options = { mandatory: true, persistent: true, messageId: id, headers }
    this.#channel.sendToQueue(queue, body, options, (error: unknown) => {
      if (error) reject(error instanceof Error ? error : new Error('the message broker did not take the message'))
      else resolve()
    })
    try {
      await promise
    } finally {
      this.#pending.delete(id)
    }
  }
}
