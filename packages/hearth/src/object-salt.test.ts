import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { objectSalt } from './object-salt.ts'
import { loadSecrets } from './secrets.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'salt-'))
  mkdirSync(join(folder, 'rings'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const keep = (salt: object): void => writeFileSync(join(folder, 'rings', 'salt.json'), JSON.stringify(salt))
const secretsFile = (): string => join(folder, 'secrets.json')
const open = (secret: string) => objectSalt(secret, join(folder, 'rings'), secretsFile())

test('a salt that was kept beside the rings becomes a secret, so that its objects stay where they are', () => {
  keep({ prefix: '', suffix: '0123' })
  const { objectSalt: secret } = loadSecrets(secretsFile())
  expect(secret).toBe('0123')
  expect(open(secret)).toEqual({ prefix: '', suffix: '0123' })
  // Again, now that it was adopted.
  expect(open(loadSecrets(secretsFile()).objectSalt)).toEqual({ prefix: '', suffix: '0123' })
  expect(readFileSync(join(folder, 'rings', 'salt.json.adopted'), 'utf8')).toContain('0123')
})

test('a salt with a prefix is kept whole', () => {
  keep({ prefix: 'before', suffix: 'af:ter' })
  expect(open(loadSecrets(secretsFile()).objectSalt)).toEqual({ prefix: 'before', suffix: 'af:ter' })
})

test('a host whose objects were placed by another salt than that of its secrets does not start', () => {
  const { objectSalt: secret } = loadSecrets(secretsFile())
  keep({ prefix: '', suffix: 'another' })
  expect(() => open(secret)).toThrow(/objects on this host were placed by the hash salt in .*salt.json/)
})
