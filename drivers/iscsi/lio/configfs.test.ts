import { mkdtemp, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quietLog as log, openRunner } from '@hearth/driver'
import { afterAll, describe, expect, test } from 'vitest'
import { openConfigfs } from './configfs.ts'
import type { Step } from './configfs-step.ts'

const roots: string[] = []
afterAll(() => Promise.all(roots.map((root) => rm(root, { recursive: true }))))

/** Any folder does for what the two ways to the tree have in common. */
async function openTree(remote: boolean) {
  const root = await mkdtemp(join(tmpdir(), 'hearth-configfs-'))
  roots.push(root)
  return { root, tree: openConfigfs({ run: openRunner({ log }), remote, log }, root) }
}

describe.each([
  ['by system calls', false],
  ['by a command for another host', true],
])('the tree %s', (_, remote) => {
  test('is made, read by patterns and taken away, each step as often as one likes', async () => {
    const { root, tree } = await openTree(remote)
    await tree.apply([
      ['mkdir', 'core/a[1].b/x'],
      ['mkdir', 'core/ab/x'],
      ['mkdir', 'core/a[1].b/x'],
    ])
    await writeFile(join(root, 'core/a[1].b/enable'), 'old')
    await tree.apply([
      ['write', 'core/a[1].b/enable', 'new'],
      ['try', 'core/a[1].b/nothing', '1'],
      ['link', 'core/ab/device', 'core/a[1].b'],
      ['link', 'core/ab/device', 'core/a[1].b'],
    ])
    expect(await readlink(join(root, 'core/ab/device'))).toBe(join(root, 'core/a[1].b'))
    const reads = ['core/*/enable', 'core/a*/*', 'nothing/*', 'core/ab'].map((path): ['read', string] => ['read', path])
    expect(await tree.apply(reads)).toEqual(
      new Map([
        ['core/a[1].b/enable', 'new'],
        ['core/a[1].b/x', ''],
        ['core/ab/device', ''],
        ['core/ab/x', ''],
        ['core/ab', ''],
      ]),
    )
    const removal: Step[] = [
      ['unlink', 'core/*/device'],
      ['rmdir', 'core/ab/*'],
      ['rmdir', 'core/ab'],
    ]
    await tree.apply([...removal, ...removal, ['unlink', 'core/nothing']])
    expect([...(await tree.apply([['read', 'core/*']])).keys()]).toEqual(['core/a[1].b'])
  })

  test('a step that fails is named with its reason and without its value, and ends only its own list of steps', async () => {
    const { tree } = await openTree(remote)
    const failing = tree.apply([
      ['mkdir', 'before'],
      ['write', 'before/auth/password', 'do-not-tell'],
      ['mkdir', 'after'],
    ])
    const others = ['one', 'two'].map((name) => tree.apply([['mkdir', name]]))
    const error = await failing.catch((one: unknown) => one)
    expect(error).toMatchObject({ kind: 'failed', message: expect.stringContaining('before/auth/password: ') })
    expect(String(error)).toMatch(/no such file or directory/i)
    expect(String(error)).not.toContain('do-not-tell')
    await Promise.all(others)
    expect([...(await tree.apply([['read', '*']])).keys()].sort()).toEqual(['before', 'one', 'two'])
  })

  test('a portal that cannot be made says that its port is taken', async () => {
    const { root, tree } = await openTree(remote)
    await tree.apply([['mkdir', 'iscsi']])
    await writeFile(join(root, 'iscsi/np'), '')
    const portal = tree.apply([['mkdir', 'iscsi/np/10.0.0.1:3260']])
    await expect(portal).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('iSCSI cannot listen on 10.0.0.1:3260'),
    })
  })

  test('a list of steps ends without a failure at its conditions', async () => {
    const { root, tree } = await openTree(remote)
    const path = join(root, 'file')
    await writeFile(path, '')
    await tree.apply([
      ['unless', 'file'],
      ['mkdir', 'never'],
    ])
    await tree.apply([
      ['only', path, 'block'],
      ['mkdir', 'never'],
    ])
    await tree.apply([
      ['only', join(root, 'nothing'), 'file'],
      ['mkdir', 'never'],
    ])
    const steps: Step[] = [
      ['unless', 'nothing'],
      ['only', path, 'file'],
      ['mkdir', 'made'],
      ['note', 'file', path],
    ]
    const found = await tree.apply([...steps, ['identify', path], ['read', '*']])
    expect(found).toEqual(
      new Map([
        [path, found.get('file')!],
        ['file', found.get(path)!],
        ['made', ''],
      ]),
    )
    expect(found.get(path)).toMatch(/^file \d+:\d+$/)
  })

  test('a device and a file are told from any other, and what is not there is not', async () => {
    const { root, tree } = await openTree(remote)
    const [file, other] = [join(root, 'file'), join(root, 'other')]
    await Promise.all([file, other].map((path) => writeFile(path, '')))
    const found = await tree.apply([file, other, '/no/such/file'].map((path) => ['identify', path]))
    expect([...found.keys()]).toEqual([file, other])
    expect([...found.values()].every((text) => /^file \d+:\d+\n?$/.test(text))).toBe(true)
    expect(new Set(found.values()).size).toBe(2)
  })
})
