import { mkdtemp, rm, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietLog as log, openDriver, openRunner } from '@hearth/driver'
import { expect, onTestFinished, test } from 'vitest'

const deps = { run: openRunner({ log }), log }
const memory = '@hearth/driver-memory'

test('methods fail as they are told to', async () => {
  const driver = await openDriver('volume', memory, { fail: { snapshot: 'unavailable' } }, deps)
  const volume = { id: '1', name: 'volume-1', sizeGiB: 1 }
  await driver.create(volume)
  const snapshot = driver.snapshot({ id: '2', name: 'snapshot-2', volume })
  await expect(snapshot).rejects.toMatchObject({ kind: 'unavailable' })
  await driver.close?.()
})

test('volumes in a given folder outlive the driver, and half-made ones do not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-memory-test-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const first = await openDriver('volume', memory, { folder }, deps)
  await first.create({ id: '1', name: 'volume-1', sizeGiB: 1 })
  await first.close?.()
  await truncate(join(folder, 'volume-1'), 1024 ** 3)
  const second = await openDriver('volume', memory, { folder }, deps)
  expect(await second.list?.()).toEqual({ volumes: ['volume-1'], snapshots: [] })
})
