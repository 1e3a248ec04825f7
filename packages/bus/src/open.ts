import { errorTable } from '@hearth/core'
import { migrate } from '@hearth/database'
import { migrations } from '../migrations/index.ts'
import { openAmqpBus } from './amqp/bus.ts'
import { MemoryBus } from './memory/bus.ts'
import type { BusOptions } from './options.ts'
import type { Bus } from './topic.ts'

const errors = errorTable({
  BadUrl: [
    500,
    'bus (HEARTH_BUS): it must be memory: or amqp://user:password@host:5672/vhost; in a password write @ / ? # as %40 %2F %3F %23',
  ],
  BadParameter: [
    500,
    'bus (HEARTH_BUS): after the virtual host only ?heartbeat=SECONDS, frameMax and channelMax may follow, each once and a whole number; how TLS is verified is said by busTls',
  ],
})

/**
 * Opens a bus: `memory:` (buses of the same process and name, `memory:name`, meet) or
 * `amqp://user:password@host:5672/vhost` (RabbitMQ). Creates the outbox table when it is missing.
 */
export async function openBus(url: string, options: BusOptions): Promise<Bus> {
  await migrate(options.database, 'bus', migrations)
  if (url.startsWith('memory:')) return new MemoryBus(url.slice('memory:'.length), options)
  checkBusUrl(url)
  return openAmqpBus(url, options)
}

/** Parameters of amqplib that may be set; all are whole numbers, heartbeat in seconds. */
const parameters = new Set(['heartbeat', 'frameMax', 'channelMax'])

/** Throws BadUrl or BadParameter when a URL can never be that of a bus, without showing it. */
export function checkBusUrl(url: string): void {
  if (url.startsWith('memory:')) return
  const parsed = /^amqps?:\/\//.test(url) ? URL.parse(url) : null
  if (!parsed?.hostname || /@/.test(parsed.pathname + parsed.search + parsed.hash)) throw errors.BadUrl()
  const isGood = ([name, value]: [string, string]): boolean => parameters.has(name) && /^\d{1,9}$/.test(value)
  const given = [...parsed.searchParams]
  if (parsed.hash !== '' || !given.every(isGood) || new Set(given.map(([name]) => name)).size !== given.length)
    throw errors.BadParameter()
}
