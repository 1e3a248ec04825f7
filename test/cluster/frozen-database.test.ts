import { expect, onTestFinished, test } from 'vitest'
import { until } from '../client.ts'
import { startMariadb } from '../lab/mariadb.ts'
import { startRabbitmq } from '../lab/rabbitmq.ts'
import { hearthCommand, start } from '../start.ts'

test('with the database frozen every role says within seconds that it is not ready, stays alive, and is ready again afterwards', async () => {
  const database = await startMariadb()
  onTestFinished(() => database.close())
  const broker = await startRabbitmq()
  onTestFinished(() => broker.close())
  const processes = [
    ['keystone', 'glance', 'swift', 'cinder.api'],
    ['cinder.scheduler', 'cinder.volume', 'cinder.backup'],
  ]
  const suite = await start({ config: { database: database.url, bus: broker.url }, processes })
  onTestFinished(() => suite.close())
  const ask = async (part: 'identity' | 'volume' | 'image', query = '') => {
    const response = await fetch(new URL(`/healthcheck${query}`, suite.urls[part]))
    return { status: response.status, text: await response.text() }
  }
  expect(await ask('volume', '?ready')).toEqual({ status: 200, text: 'OK' })
  database.signal('SIGSTOP')
  try {
    for (const part of ['identity', 'volume', 'image'] as const) {
      expect((await ask(part)).status).toBe(200)
      const { text } = await until(
        () => ask(part, '?ready'),
        ({ status }) => status === 503,
        15,
      )
      expect(text).toMatch(/^not ready: .*database of/)
      expect(text).not.toContain('127.0.0.1')
    }
    const told = await hearthCommand(suite.dataFolder, ['status', '--json']).catch((error: { stdout: string }) => error)
    const { roles } = JSON.parse(told.stdout) as { roles: { role: string; alive: boolean; ready: boolean }[] }
    expect(roles.find(({ role }) => role === 'cinder.volume')).toMatchObject({ alive: true, ready: false })
  } finally {
    database.signal('SIGCONT')
  }
  await until(
    () => ask('volume', '?ready'),
    ({ status }) => status === 200,
    30,
  )
})
