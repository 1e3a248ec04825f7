import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHealth } from './health.ts'
import { openStatusSocket, readStatus, socketOf } from './status-socket.ts'

test('a process tells its status on a socket, however long the name of its folder', async () => {
  const root = mkdtempSync(join(tmpdir(), 'socket-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const folder = join(root, 'a-folder-with-a-long-name'.repeat(8))
  mkdirSync(folder)
  const path = join(folder, 'hearth.sock')
  const health = openHealth()
  health.add({ name: 'backend x', roles: ['cinder.volume'], run: () => Promise.reject(new Error('no such group')) })
  const socket = await openStatusSocket(path, health, ['cinder.volume', 'cinder.backup'])
  expect(await readStatus(path)).toEqual({
    roles: { 'cinder.volume': ['backend x'], 'cinder.backup': [] },
    checks: [{ name: 'backend x', roles: ['cinder.volume'], ok: false, detail: 'no such group' }],
  })
  await socket.close()
  expect(await readStatus(path)).toBeNull()
})

test('the socket of a process with some roles is named after the first of them', () => {
  expect(socketOf('/data+1/run/hearth.pid')).toBe('/data+1/run/hearth.sock')
  expect(socketOf('/data+1/run/hearth-cinder.volume.pid')).toBe('/data+1/run/hearth-cinder.volume.sock')
  expect(socketOf('/data+1/run/hearth-glance.api+cinder.api.pid')).toBe('/data+1/run/hearth-glance.api.sock')
})
