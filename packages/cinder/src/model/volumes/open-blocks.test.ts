import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog, uuid } from '@hearth/core'
import { bytesOf, openDriver, openRunner } from '@hearth/driver'
import getPort from 'get-port'
import { expect, test } from 'vitest'
import type { Backend } from '../backends.ts'
import { canReadSnapshots, openVolumeBlocks } from './open-blocks.ts'

test('the bytes of another host’s storage are read through an export with a password, which closing removes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-reach-'))
  const commands: string[] = []
  const log = { ...silentLog, debug: (details: object) => commands.push(JSON.stringify(details)) }
  const deps = { run: openRunner({ log }), log }
  const volume = await openDriver('volume', '@hearth/driver-file', { folder: join(folder, 'volumes') }, deps)
  const options = { portals: [`127.0.0.1:${await getPort({ host: '127.0.0.1' })}`], runFolder: join(folder, 'tgtd') }
  const exporter = await openDriver('export', '@hearth/driver-iscsi', options, deps)
  await exporter.start()
  const id = uuid()
  const ref = { id, name: `volume-${id}`, sizeGiB: 1 }
  await volume.create(ref)
  const backend: Backend = { name: 'far', host: 'host1@far', volume, export: exporter, isRemote: true }
  const blocks = await openVolumeBlocks(backend, ref, 'rw')
  expect(await exporter.list()).toEqual([ref.name])
  const data = Buffer.alloc(2 ** 21, 0x71)
  await blocks.write(2 ** 20, data)
  await blocks.flush()
  // An attached volume has an export with a password of its own, which must stay.
  await expect(openVolumeBlocks(backend, ref, 'r')).rejects.toMatchObject({ kind: 'busy' })
  expect(await exporter.list()).toEqual([ref.name])
  await blocks.close()
  expect(await exporter.list()).toEqual([])
  const direct = await bytesOf(volume, ref, { mode: 'r' })
  const back = Buffer.alloc(data.length)
  await direct.read(2 ** 20, back)
  expect(back.equals(data)).toBe(true)
  await direct.close()
  // The driver's addresses are paths on the other host, so they are useless here.
  expect(canReadSnapshots(backend)).toBe(false)
  expect(canReadSnapshots({ ...backend, isRemote: false })).toBe(true)
  await exporter.close()
  await rm(folder, { recursive: true })
})
