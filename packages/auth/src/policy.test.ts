import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Identity } from '@hearth/core'
import { expect, onTestFinished, test } from 'vitest'
import { openEnforcer } from './policy.ts'

const member = { userId: 'u1', projectId: 'p1', roles: ['member', 'reader'], system: false } as Identity
const admin = { userId: 'u2', projectId: 'p2', roles: ['admin', 'member', 'reader'], system: false } as Identity
const defaults = {
  admin_api: 'role:admin',
  member: 'rule:admin_api or (role:member and project_id:%(project_id)s)',
  nobody: '!',
  anybody: '',
  'not-admin': 'not role:admin',
  owner: "'p1':%(target.volume.project)s",
  system: 'role:reader and system_scope:all',
}
const { check } = openEnforcer({ defaults })

function policyFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'policy-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'policy.yaml'), text)
  return join(folder, 'policy.yaml')
}

test('a member may act in its own project only', () => {
  expect(check('member', { project_id: 'p1' }, member)).toBe(true)
  expect(check('member', { project_id: 'p2' }, member)).toBe(false)
})

test('a rule may refer to another rule', () => {
  expect(check('member', { project_id: 'p1' }, admin)).toBe(true)
})

test('the empty rule admits everybody and "!" nobody', () => {
  expect(check('anybody', {}, null)).toBe(true)
  expect(check('nobody', {}, admin)).toBe(false)
})

test('"not" turns an answer around', () => {
  expect(check('not-admin', {}, member)).toBe(true)
  expect(check('not-admin', {}, admin)).toBe(false)
})

test('a literal is compared with a nested attribute of the target', () => {
  expect(check('owner', { target: { volume: { project: 'p1' } } }, member)).toBe(true)
  expect(check('owner', { target: { volume: { project: 'p2' } } }, member)).toBe(false)
  expect(check('owner', {}, member)).toBe(false)
})

test('an attribute that is an object equals no text, whatever its members are', () => {
  const { check: compare } = openEnforcer({ defaults: { named: 'user_id:%(owner)s' } })
  for (const owner of [{ toString: 0 }, { toString: { toString: 0 } }, [[{ toString: 0 }]]])
    expect(compare('named', { owner }, member)).toBe(false)
})

test('system scope is needed where a rule asks for it', () => {
  expect(check('system', {}, member)).toBe(false)
  expect(check('system', {}, { ...member, system: true })).toBe(true)
})

test("an operator's file overrides a default", () => {
  const file = policyFile('"member": "rule:admin_api"\n')
  expect(openEnforcer({ defaults, file }).check('member', { project_id: 'p1' }, member)).toBe(false)
})

test('a rule text that cannot be parsed is refused with its name', () => {
  const file = policyFile('"member": "role:admin or (role:member"\n')
  expect(() => openEnforcer({ defaults, file })).toThrow('policy rule "member": a ")" is missing')
})

test('a policy file that is not a mapping of texts is refused with the key', () => {
  expect(() => openEnforcer({ defaults, file: policyFile('"member": [1]\n') })).toThrow('rule "member" must be a text')
})

test('a rule that is too long or nested too deep is refused and takes no time', () => {
  const refusal = (rule: string) => () => openEnforcer({ defaults: { 'a:b': rule } })
  expect(refusal('%(a'.repeat(20_000))).toThrow('a rule may have 8192 characters, not 60000')
  expect(refusal(`${'('.repeat(4000)}@`)).toThrow('nested more than 100 levels deep')
  expect(refusal(`${'not '.repeat(2000)}@`)).toThrow('nested more than 100 levels deep')
})
