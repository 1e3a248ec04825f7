import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DriverDeps, type DriverLog, openDriver, openRunner } from '@hearth/driver'
import { connectorContract } from '@hearth/driver/contract'
import { afterAll } from 'vitest'

const nothing = () => undefined
const quiet: DriverLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }
const depsOf = (log: DriverLog): DriverDeps => ({ run: openRunner({ log }), log })
const memory = '@hearth/driver-memory'
const scratch = await mkdtemp(join(tmpdir(), 'hearth-memory-test-'))
afterAll(() => rm(scratch, { recursive: true }))

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
  run: depsOf(quiet).run,
  abilities: { extend: true, heldOpen: true },
})
