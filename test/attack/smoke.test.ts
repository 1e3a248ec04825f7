import { expect, test } from 'vitest'
import { watchHealth } from './watch.ts'

test('the health checks of all services respond while nothing is attacked', async () => {
  const { slowest } = await watchHealth(() => new Promise((done) => setTimeout(done, 1000)))
  expect(Object.values(slowest).every((ms) => ms > 0)).toBe(true)
})
