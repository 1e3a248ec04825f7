import { mkdtemp, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDriver, openRunner } from '@hearth/driver'
import { backupContract, exportContract, imageContract, volumeContract } from '@hearth/driver/contract'
import { expect, test } from 'vitest'

const nothing = () => undefined
const log = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const deps = { run: openRunner({ log }), log }
const memory = '@hearth/driver-memory'

volumeContract({
  name: 'memory',
  open: () => openDriver('volume', memory, {}, deps),
  openFull: () => openDriver('volume', memory, { totalGiB: 0.5 }, deps),
  abilities: { revert: true, list: true, snapshotAddress: true },
})

exportContract({
  name: 'memory',
  open: () => openDriver('export', memory, {}, deps),
  async device() {
    return '/dev/null'
  },
  abilities: { resize: true, sessions: true },
})

imageContract({
  name: 'memory',
  open: () => openDriver('image', memory, {}, deps),
  openSmall: () => openDriver('image', memory, { totalBytes: 4 * 1024 ** 2 }, deps),
  abilities: { list: true },
})

backupContract({
  name: 'memory',
  open: () => openDriver('backup', memory, {}, deps),
  openSmall: () => openDriver('backup', memory, { totalBytes: 4 * 1024 ** 2 }, deps),
})

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
  const first = await openDriver('volume', memory, { folder }, deps)
  await first.create({ id: '1', name: 'volume-1', sizeGiB: 1 })
  await first.close?.()
  await truncate(join(folder, 'volume-1'), 1024 ** 3)
  const second = await openDriver('volume', memory, { folder }, deps)
  expect(await second.list?.()).toEqual({ volumes: ['volume-1'], snapshots: [] })
})
