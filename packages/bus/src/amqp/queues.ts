import type { Channel, ChannelModel } from 'amqplib'
import { closeQuietly } from './link.ts'

export const castQueue = (topic: string, target: string): string => `hearth.cast.${topic}:${target}`
export const callQueue = (topic: string, target: string): string => `hearth.call.${topic}:${target}`
/** Fanouts go through one exchange; the topic is the routing key. */
export const fanoutExchange = 'hearth.fanout'

const declared = new WeakMap<ChannelModel, Map<string, Promise<void>>>()

/** Makes sure that the queue of a cast exists: replicated, durable, and without a limit of deliveries. */
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

/** The queue was found missing: declare it anew next time. */
export function forgetQueue(model: ChannelModel, queue: string): void {
  declared.get(model)?.delete(queue)
}

async function declare(model: ChannelModel, queue: string): Promise<void> {
  // A queue that is there is taken as it is: an operator, or an older broker, may have given it other arguments.
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

/** RabbitMQ 4 drops a message at its 21st delivery unless told not to; 3 knows no such value. */
function deliveryLimit(model: ChannelModel): Record<string, number> {
  const major = Number.parseInt(model.connection.serverProperties.version, 10)
  return major >= 4 ? { 'x-delivery-limit': -1 } : {}
}

/** A failing declaration closes its channel, so each has its own. */
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

export async function declareFanout(channel: Channel): Promise<void> {
  await channel.assertExchange(fanoutExchange, 'direct', { durable: true })
}
