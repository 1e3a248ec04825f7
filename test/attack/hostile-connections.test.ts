import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Started, start } from '../start.ts'
import { besiege } from './hostile-connections.ts'

let suite: Started
beforeAll(async () => {
  suite = await start()
})
afterAll(() => suite.close())

test('1,500 hostile connections of an anonymous client leave the health checks, the memory and the open files alone', async () => {
  const siege = await besiege(suite, { connections: 1500, seconds: 25 })
  console.log(JSON.stringify(siege))
  expect(siege.report.mostOpen).toBeGreaterThan(700)
  // Two processors run the suite, the attack and this test: one answer in a hundred may be late.
  expect(siege.answers.late).toBeLessThanOrEqual(Math.ceil(siege.answers.all / 100))
  expect(Math.max(...Object.values(siege.health))).toBeLessThan(3000)
  expect(siege.grewMiB).toBeLessThan(200)
  expect(siege.files.after).toBeLessThanOrEqual(siege.files.before + 10)
})
