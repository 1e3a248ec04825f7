import { expect, test } from 'vitest'
import { openHealth } from './health.ts'

test('a role is ready when all that it needs is there, and else names what is not', async () => {
  const health = openHealth()
  health.add({ name: 'database', roles: ['keystone.api'], run: async () => undefined })
  health.add({ name: 'bus', roles: ['cinder.api'], run: () => Promise.reject(new Error('away')) })
  expect(await health.readiness('keystone.api')()).toEqual([])
  expect(await health.readiness('cinder.api')()).toEqual(['bus'])
  expect(await health.report()).toEqual([
    { name: 'database', roles: ['keystone.api'], ok: true, detail: null },
    { name: 'bus', roles: ['cinder.api'], ok: false, detail: 'away' },
  ])
})

test('what does not answer is missing within the patience, is not asked again meanwhile, and comes back by itself', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  let asked = 0
  const health = openHealth({ patienceMs: 20, keepMs: 0 })
  health.add({
    name: 'database',
    run() {
      asked++
      return promise
    },
  })
  const ready = health.readiness('keystone.api')
  expect(await ready()).toEqual(['database'])
  expect(await ready()).toEqual(['database'])
  expect(asked).toBe(1)
  resolve()
  await promise
  expect(await ready()).toEqual([])
})

test('however many ask at once, each check runs once', async () => {
  let asked = 0
  const health = openHealth({ keepMs: 60_000 })
  health.add({
    name: 'database',
    async run() {
      asked++
    },
  })
  await Promise.all(Array.from({ length: 100 }, () => health.readiness('keystone.api')()))
  await health.report()
  expect(asked).toBe(1)
})
