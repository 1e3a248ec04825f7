import type { Logger } from '@hearth/core'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { concurrency, handleCall, handleFanout, type Served } from '../handle.ts'
import { openTasks, within } from '../tasks.ts'
import type { Message } from '../topic.ts'
import { CastWorker, type PutBack } from './cast-worker.ts'
import { type Broker, closeQuietly, Link } from './link.ts'
import { callQueue, castQueue, declareCastQueue, declareFanout, fanoutExchange } from './queues.ts'
import type { Body } from './sender.ts'

interface Consumer {
  served: Served
  /** Connection that it runs on. */
  model?: ChannelModel
  channel?: Channel
  tag?: string
}

const restartMs = 500
const idleQueueMs = 30 * 60_000

/** Consuming half of the amqp bus: one channel for each served topic and target, opened again when it breaks. */
export class Receiver {
  readonly #log: Logger
  readonly #link: Link
  readonly #consumers: Consumer[] = []
  readonly #tasks = openTasks()
  readonly #casts: CastWorker
  #stopping = false

  constructor(broker: Broker, name: string, log: Logger, putBack: PutBack) {
    this.#log = log
    this.#casts = new CastWorker(log, putBack, this.#tasks)
    this.#link = new Link({ broker, name: `${name} receiving`, log, up: () => this.#startAll() })
  }

  open(): Promise<void> {
    return this.#link.open()
  }

  /** Starts to take messages, now or when the broker can be reached. */
  async serve(served: Served): Promise<void> {
    const consumer: Consumer = { served }
    this.#consumers.push(consumer)
    const model = this.#link.current()
    if (model) await this.#run(model, consumer)
  }

  /** Stops taking messages and waits for running handlers. Returns true when all have finished. */
  async stop(graceMs: number): Promise<boolean> {
    this.#stopping = true
    const cancels = this.#consumers.map(({ channel, tag }) => channel && tag && channel.cancel(tag))
    await within(Promise.allSettled(cancels), Math.max(graceMs, 100))
    return this.#tasks.settled(graceMs)
  }

  /** Messages that are not acknowledged go back to their queues. */
  get isUp(): boolean {
    return this.#link.current() !== undefined
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  #startAll(): void {
    const model = this.#link.current()
    for (const consumer of this.#consumers) {
      if (model && consumer.model !== model) void this.#run(model, consumer)
    }
  }

  /**
   * Keeps a consumer running as long as the connection lasts. Never throws: one broken queue must not stop the others.
   */
  async #run(model: ChannelModel, consumer: Consumer): Promise<void> {
    consumer.model = model
    const again = (): void => {
      consumer.channel = undefined
      setTimeout(() => {
        if (!this.#stopping && this.#link.current() === model) void this.#run(model, consumer)
      }, restartMs).unref()
    }
    try {
      const channel = await model.createChannel()
      channel.on('error', (error) => this.#log.warn({ err: error }, 'a channel to the message broker failed'))
      channel.on('close', again)
      await this.#consume(model, channel, consumer)
    } catch (error) {
      const { topic, target } = consumer.served
      this.#log.warn({ err: error, topic: topic.name, target }, 'could not start a consumer; trying again')
    }
  }

  async #consume(model: ChannelModel, channel: Channel, consumer: Consumer): Promise<void> {
    const { served } = consumer
    const close = (): void => void closeQuietly(channel)
    try {
      await channel.prefetch(concurrency)
      const queue = await this.#queueOf(model, channel, served)
      const take = this.#takerOf(channel, served)
      // Null means that the broker ended the consumer, because its queue was deleted.
      const taken = (delivered: ConsumeMessage | null): void => (delivered ? take(delivered) : close())
      const { consumerTag } = await channel.consume(queue, taken, { noAck: served.topic.kind === 'fanout' })
      consumer.channel = channel
      consumer.tag = consumerTag
    } catch (error) {
      close()
      throw error
    }
  }

  async #queueOf(model: ChannelModel, channel: Channel, { topic, target }: Served): Promise<string> {
    if (topic.kind === 'cast') {
      const queue = castQueue(topic.name, target)
      await declareCastQueue(model, queue)
      return queue
    }
    if (topic.kind === 'call') {
      const queue = callQueue(topic.name, target)
      await channel.assertQueue(queue, { durable: true, autoDelete: true, expires: idleQueueMs })
      return queue
    }
    await declareFanout(channel)
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true })
    await channel.bindQueue(queue, fanoutExchange, topic.name)
    return queue
  }

  #takerOf(channel: Channel, served: Served): (delivered: ConsumeMessage) => void {
    if (served.topic.kind === 'cast') return (delivered) => this.#casts.take(channel, served, delivered)
    if (served.topic.kind === 'call') return (delivered) => this.#tasks.add(this.#answer(channel, served, delivered))
    return (delivered) => this.#tasks.add(handleFanout(served, messageOf(delivered), this.#log))
  }

  async #answer(channel: Channel, served: Served, delivered: ConsumeMessage): Promise<void> {
    // Another process may have started to handle it: a call is handled at most once.
    if (delivered.fields.redelivered) return channel.ack(delivered)
    const { replyTo, correlationId } = delivered.properties
    const answer = await handleCall(served, messageOf(delivered), this.#log)
    try {
      channel.sendToQueue(replyTo, Buffer.from(JSON.stringify(answer)), { correlationId })
      channel.ack(delivered)
    } catch (error) {
      this.#log.warn({ err: error, topic: served.topic.name }, 'could not send the reply to a call')
    }
  }
}

function messageOf({ content, properties }: ConsumeMessage): Message<unknown> {
  const { payload, context } = JSON.parse(content.toString()) as Body
  return { id: properties.messageId, payload, context, attempt: 1 }
}
