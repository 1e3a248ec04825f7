import type { Channel, ChannelModel } from 'amqplib'
import { closeQuietly } from './link.ts'

/** Name of the queue of a cast. */
export const castQueue = (topic: string, target: string): string => `hearth.cast.${topic}:${target}`
/** Name of the queue of a call. */
export const callQueue = (topic: string, target: string): string => `hearth.call.${topic}:${target}`
/** Fanouts go through one exchange; the topic is the routing key. */
export const fanoutExchange = 'hearth.fanout'

const declared = new WeakMap<ChannelModel, Map<string, Promise<void>>>()

/** Ensures that the queue of a cast exists: replicated, durable, and without a limit of deliveries. */
export async function declareCastQueue(model: ChannelModel, queue: string): Promise<void> {
  const known = declared.get(model) ?? new Map<string, Promise<void>>()
  declared.set(model, known)
  let declaring = known.get(queue)
  if (!declaring) {
    declaring = declare(model, queue)
    known.set(queue, declaring)
    declaring.catch(() => known.delete(queue))
  }
  return declaring
}

/** Records that a queue is missing, so that it is declared again at its next use. */
export function forgetQueue(model: ChannelModel, queue: string): void {
  declared.get(model)?.delete(queue)
}

async function declare(model: ChannelModel, queue: string): Promise<void> {
  // An existing queue is used as it is: an operator or an older broker may have given it other arguments.
  if (await onChannel(model, (channel) => channel.checkQueue(queue)).then(yes, no)) return
  await onChannel(model, (channel) =>
    channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', ...deliveryLimit(model) } }),
  )
}

const yes = (): boolean => true
function no(error: unknown): boolean {
  if ((error as { code?: number }).code === 404) return false
  throw error
}

/** Returns the queue argument that prevents RabbitMQ 4 from dropping a message at its 21st delivery; none for 3. */
function deliveryLimit(model: ChannelModel): Record<string, number> {
  const major = Number.parseInt(model.connection.serverProperties.version, 10)
  return major >= 4 ? { 'x-delivery-limit': -1 } : {}
}

/** Runs a declaration on its own channel, because a failing declaration closes its channel. */
async function onChannel(model: ChannelModel, work: (channel: Channel) => Promise<unknown>): Promise<void> {
  const channel = await model.createChannel()
  let closed = false
  channel.on('error', () => undefined)
  channel.on('close', () => {
    closed = true
  })
  try {
    await work(channel)
  } finally {
    if (!closed) await closeQuietly(channel)
  }
}

/** Ensures that the exchange of fanouts exists. */
export async function declareFanout(channel: Channel): Promise<void> {
  await channel.assertExchange(fanoutExchange, 'direct', { durable: true })
}
