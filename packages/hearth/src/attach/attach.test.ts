import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '@hearth/core'
import { type ConnectorDriver, DriverError, openDriver, openRunner } from '@hearth/driver'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AttachDeps, attachVolume, detachVolume } from './attach.ts'
import { openKeptAttachments } from './kept-attachments.ts'
import type { Attachment, VolumeApi } from './volume-api.ts'

let folder: string
let device: string
let attachments: Map<string, Attachment>
let connector: ConnectorDriver
let deps: AttachDeps
const volume = { id: '99999999-9999-4999-8999-999999999999', name: 'data', status: 'available', multiattach: false }

/** Attachments as the service keeps them, of one volume whose device is a file of this host. */
function apiOf(): VolumeApi {
  const connection_info = () => ({ driver_volume_type: 'local', device_path: device, auth_password: 'hunter2' })
  return {
    find: async () => volume,
    attachments: async () => [...attachments.values()].map(({ connection_info: _secret, ...plain }) => plain),
    attachment: async (id) => attachments.get(id) ?? null,
    async attach() {
      const made = { id: `a${attachments.size + 1}`, status: 'attaching', instance: null }
      attachments.set(made.id, { ...made, connection_info: connection_info() })
      return attachments.get(made.id)!
    },
    async connect(id) {
      attachments.set(id, { ...attachments.get(id)!, status: 'attaching', connection_info: connection_info() })
      return attachments.get(id)!
    },
    async complete(id) {
      attachments.set(id, { ...attachments.get(id)!, status: 'attached' })
    },
    async detach(id) {
      attachments.delete(id)
    },
  }
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hearth-attach-'))
  device = join(folder, 'device')
  writeFileSync(device, 'bytes')
  attachments = new Map()
  const log = silentLog
  connector = await openDriver('connector', '@hearth/driver-memory', {}, { run: openRunner({ log }), log })
  deps = {
    api: apiOf(),
    connectors: { properties: async () => ({}), of: async () => connector, close: async () => undefined },
    kept: openKeptAttachments(join(folder, 'kept')),
    host: 'this host',
    tell: () => undefined,
    signal: new AbortController().signal,
  }
})
afterEach(() => rmSync(folder, { recursive: true }))

const attach = () => attachVolume('data', 'rw', deps)
const statuses = () => [...attachments.values()].map(({ status }) => status)

test('attaching answers the device, twice the same; detaching by name leaves nothing', async () => {
  const first = await attach()
  expect(first).toMatchObject({ path: device, format: 'raw', volumeId: volume.id })
  expect(await attach()).toEqual(first)
  expect(statuses()).toEqual(['attached'])
  expect(deps.kept.all()).toMatchObject([{ volumeName: 'data', device, host: 'this host' }])
  await detachVolume('data', deps)
  expect(statuses()).toEqual([])
  expect(deps.kept.all()).toEqual([])
  await expect(detachVolume('data', deps)).rejects.toThrow('data is not attached to this host by hearth attach')
})

test('what is kept of an attachment, its password too, is for the owner alone', async () => {
  await attach()
  const [file] = readdirSync(join(folder, 'kept')).map((name) => join(folder, 'kept', name))
  expect(statSync(file!).mode & 0o777).toBe(0o600)
  expect(readFileSync(file!, 'utf8')).toContain('hunter2')
})

/** Steps after which the process may be gone: the rest of the work never happens. */
const cuts: Record<string, (die: () => never) => void> = {
  'before the service was asked': (die) => {
    deps.api.attach = async () => die()
  },
  'after the service was asked': (die) => {
    const { attach: real } = deps.api
    deps.api.attach = async (...given) => {
      await real(...given)
      return die()
    }
  },
  'while it was connected': (die) => {
    deps.connectors.of = async () => ({ ...connector, attach: async () => die() })
  },
  'before it was completed': (die) => {
    deps.api.complete = async () => die()
  },
}

test.each(Object.entries(cuts))('a process killed %s leaves what a repetition finishes', async (_when, cut) => {
  attachments.set('theirs', { id: 'theirs', status: 'reserved', instance: null })
  const whole = { ...deps, api: { ...deps.api }, connectors: { ...deps.connectors } }
  cut(() => {
    throw new Error('killed')
  })
  await expect(attach()).rejects.toThrow('killed')
  deps = whole
  await attach()
  expect(statuses()).toEqual(['reserved', 'attached'])
  await detachVolume('data', deps)
  expect([...attachments.keys()]).toEqual(['theirs'])
})

test.each(Object.entries(cuts))('a process killed %s leaves what detaching takes back', async (_when, cut) => {
  const whole = { ...deps, api: { ...deps.api }, connectors: { ...deps.connectors } }
  cut(() => {
    throw new Error('killed')
  })
  await expect(attach()).rejects.toThrow('killed')
  await detachVolume('data', whole)
  expect(statuses()).toEqual([])
  expect(whole.kept.all()).toEqual([])
})

test('storage that does not answer leaves nothing attached and says what to do', async () => {
  deps.connectors.of = async () => ({
    ...connector,
    attach: async () => {
      throw new DriverError('unavailable', '10.0.0.1:3260 does not answer')
    },
  })
  await expect(attach()).rejects.toThrow(
    'data could not be attached: 10.0.0.1:3260 does not answer. Nothing is left attached; when that is mended, repeat',
  )
  expect(statuses()).toEqual([])
  expect(deps.kept.all()).toEqual([])
})

test('a device that is in use stays attached', async () => {
  await attach()
  const held = openSync(device, 'r')
  await expect(detachVolume('data', deps)).rejects.toThrow(`data stays attached: A process has ${device} open`)
  expect(statuses()).toEqual(['attached'])
  expect(deps.kept.all()).toHaveLength(1)
  closeSync(held)
  await detachVolume('data', deps)
  expect(statuses()).toEqual([])
})

test('an attachment that somebody took away meanwhile is asked for anew', async () => {
  await attach()
  attachments.clear()
  attachments.set('x', { id: 'x', status: 'reserved', instance: 'server' })
  await attach()
  expect(statuses()).toEqual(['reserved', 'attached'])
})
