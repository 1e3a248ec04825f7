import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Started, start } from '../start.ts'
import { besiege } from './hostile-connections.ts'

let suite: Started
beforeAll(async () => {
  suite = await start()
})
afterAll(() => suite.close())

// On a machine that does nothing else each health check responds within a second: `npm run fuzz -- connections` asserts that.
const healthMs = 3000

test('1,500 hostile connections of an anonymous client leave memory and open files alone, and all health checks respond', async () => {
  const { report, answers, grewMiB, files, health } = await besiege(suite, { connections: 1500, seconds: 20 })
  expect(report.mostOpen).toBeGreaterThan(700)
  expect(answers.all).toBeGreaterThan(4)
  expect(Math.max(...Object.values(health))).toBeLessThan(healthMs)
  expect(grewMiB).toBeLessThan(200)
  expect(files.after).toBeLessThanOrEqual(files.before + 10)
}, 150_000)
