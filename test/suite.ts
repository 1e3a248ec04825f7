import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startMariadb } from './lab/mariadb.ts'
import { startPostgres } from './lab/postgres.ts'
import { startRabbitmq } from './lab/rabbitmq.ts'
import { type Started, start } from './start.ts'

declare module 'vitest' {
  interface ProvidedContext {
    suite: Omit<Started, 'kill9' | 'close'>
  }
}

/** The suite that all black-box tests of one run share. */
export const suite = (): Omit<Started, 'kill9' | 'close'> => inject('suite')

/** Tests that fail to log in share an address with those that must. */
const generous = { identity: { loginThrottle: { userFailures: 0, addressFailures: 0 } } }

const spread = [
  ['keystone', 'glance', 'swift', 'cinder.api'],
  ['cinder.scheduler', 'cinder.volume', 'cinder.backup'],
]

/** Starts what the name of the vitest project says, once for all its files. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers: Record<string, () => ReturnType<typeof startMariadb>> = {
    'api-mariadb': startMariadb,
    'api-postgres': startPostgres,
  }
  const server = (await servers[project.name]?.()) ?? null
  const broker = server && (await startRabbitmq())
  const started = server
    ? await start({ config: { ...generous, database: server.url, bus: broker!.url }, processes: spread })
    : await start({ config: generous })
  const { kill9: _kill9, close, ...plain } = started
  project.provide('suite', plain)
  return async () => {
    await close()
    await broker?.close()
    await server?.close()
  }
}
