import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Started, start } from '../start.ts'
import { besiege } from './hostile-connections.ts'

let suite: Started
beforeAll(async () => {
  suite = await start()
})
afterAll(() => suite.close())

// How soon the health checks respond depends on what else the machine does: `npm run fuzz -- connections` asserts that.
test('1,500 hostile connections of an anonymous client leave the memory and the open files alone, and no health check returns an error', async () => {
  const { report, answers, grewMiB, files } = await besiege(suite, { connections: 1500, seconds: 20 })
  expect(report.mostOpen).toBeGreaterThan(700)
  expect(answers.all).toBeGreaterThan(4)
  expect(grewMiB).toBeLessThan(200)
  expect(files.after).toBeLessThanOrEqual(files.before + 10)
}, 150_000)
