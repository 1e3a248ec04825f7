import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DriverDeps, type DriverLog, openDriver, openRunner, quietLog } from '@hearth/driver'
import {
  backupContract,
  connectorContract,
  exportContract,
  imageContract,
  volumeContract,
} from '@hearth/driver/contract'
import { afterAll } from 'vitest'

const depsOf = (log: DriverLog): DriverDeps => ({ run: openRunner({ log }), log })
const deps = depsOf(quietLog)
const memory = '@hearth/driver-memory'
const scratch = await mkdtemp(join(tmpdir(), 'hearth-memory-test-'))
afterAll(() => rm(scratch, { recursive: true }))

volumeContract({
  name: 'memory',
  open: (log) => openDriver('volume', memory, {}, depsOf(log)),
  openFull: () => openDriver('volume', memory, { totalGiB: 0.5 }, deps),
  abilities: {
    ...{ revert: true, list: true, snapshotAddress: true },
    ...{ manage: true, manageable: true, manageSnapshot: true },
  },
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

let serial = 0
connectorContract({
  name: 'memory',
  open: (log) => openDriver('connector', memory, {}, depsOf(log)),
  async volume(sizeBytes) {
    const filename = join(scratch, `volume-${serial++}`)
    await writeFile(filename, '')
    await truncate(filename, sizeBytes)
    return {
      connection: { driver_volume_type: 'local', data: { device_path: filename } },
      address: { filename, format: 'raw' },
      grow: (bytes) => truncate(filename, bytes),
      remove: () => rm(filename, { force: true }),
    }
  },
  unreachable: async () => ({ driver_volume_type: 'local', data: { device_path: join(scratch, 'gone') } }),
  run: deps.run,
  abilities: { extend: true, heldOpen: true },
})
