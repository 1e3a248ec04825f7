import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadSecrets, secretNames, secretsNeeded } from './secrets.ts'

function place(content?: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'secrets.json')
  if (content) writeFileSync(file, JSON.stringify(content), { mode: 0o600 })
  return file
}

test('secrets are made once and are readable by their owner only', () => {
  const file = place()
  const made = loadSecrets(file)
  expect(loadSecrets(file)).toEqual(made)
  expect(new Set(Object.values(made)).size).toBe(secretNames.length)
  expect(statSync(file).mode & 0o777).toBe(0o600)
})

test('a complete file of an earlier version keeps its passwords and is given what is new', () => {
  const before = { admin: 'a', demo: 'd', cinder: 'c', glance: 'g', swift: 's' }
  const file = place(before)
  const secrets = loadSecrets(file)
  expect(secrets).toMatchObject(before)
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(secrets)
  expect(secrets.suite).toHaveLength(32)
})

test('a file that others can read is refused with the command that mends it', () => {
  const file = place({ admin: 'a' })
  chmodSync(file, 0o640)
  expect(() => loadSecrets(file)).toThrow(`(mode 640); run: chmod 600 ${file}`)
})

test('a file that is damaged is refused without a word of what it holds', () => {
  const file = place()
  writeFileSync(file, '{"admin": "canary-in-the-mine"', { mode: 0o600 })
  const attempt = () => loadSecrets(file)
  expect(attempt).toThrow('it is not valid JSON')
  expect(attempt).not.toThrow('canary')
})

test('each role needs only what it uses', () => {
  expect(secretsNeeded(['cinder.volume', 'cinder.backup'])).toEqual(['cinder'])
  expect(secretsNeeded(['cinder.scheduler'])).toEqual([])
  expect(secretsNeeded(['keystone.api'])).toEqual([
    'suite',
    'admin',
    'demo',
    'cinder',
    'glance',
    'swift',
    'signing',
    'metrics',
  ])
})

test('where secrets belong to other hosts none are made, and the refusal says how to get them', () => {
  const file = place()
  expect(() => loadSecrets(file, ['cinder.volume'], false)).toThrow('hearth secrets export --roles cinder.volume')
  expect(existsSync(file)).toBe(false)
})

test('a file with the secrets of other roles is refused with the names of what it lacks', () => {
  const file = place({ glance: 'g', metrics: 'm' })
  expect(loadSecrets(file, ['glance.api'], false)).toEqual({ glance: 'g', metrics: 'm' })
  expect(() => loadSecrets(file, ['glance.api', 'cinder.volume'])).toThrow(`${file} lacks the secrets cinder`)
})
