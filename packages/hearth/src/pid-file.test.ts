import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts'
import { expandRoles } from './role-names.ts'

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'pid-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a running suite is found by its pid file until it is removed', () => {
  const file = join(scratch(), 'hearth.pid')
  writePidFile(file, { urls: { 'keystone.api': 'http://127.0.0.1:5000' }, roles: ['keystone.api'], ready: true })
  expect(readPidFile(file)).toMatchObject({ pid: process.pid, roles: ['keystone.api'] })
  removePidFile(file)
  expect(readPidFile(file)).toBeNull()
})

test('a process number that was given to another program is not taken for the suite', () => {
  const file = join(scratch(), 'hearth.pid')
  writeFileSync(file, JSON.stringify({ pid: process.pid, startTime: '1', urls: {}, roles: [] }))
  expect(readPidFile(file)).toBeNull()
})

test('a service alone means all its roles', () => {
  expect(expandRoles('cinder, glance.api')).toEqual([
    'cinder.api',
    'cinder.scheduler',
    'cinder.volume',
    'cinder.backup',
    'glance.api',
  ])
})
