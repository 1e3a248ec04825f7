import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRunner, quietLog } from '@hearth/driver'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lookScript, readLooks } from './look.ts'

const run = openRunner({ log: quietLog })
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-look-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Runs the script in a folder of this host that also contains the locks. */
async function look(names: string[], held = false): Promise<ReturnType<typeof readLooks>> {
  const script = `set -eu\ncd -- "$1"\nlocks=locks\nshift\nhold() { :; }\ncheck_share() { :; }\nmkdir -p locks\n${lookScript}`
  const { stdout } = await run(['sh', '-c', script, 'sh', folder, held ? 'yes' : 'no', ...names])
  return readLooks(stdout, names, held)
}

const file = (name: string, content: string | Buffer) => writeFile(join(folder, name), content)

describe('a look at volumes', () => {
  test('finds each with its own files, format, first bytes and information', async () => {
    const bytes = Buffer.from([...Array(5000).keys()])
    await file('volume-a', Buffer.from('==> volume-b <==\n'))
    await file('.volume-a.format', 'raw\n')
    await file('volume-b', bytes)
    await file('volume-b.info', '{\n "active": "volume-b.s"\n}')
    await file('volume-b.s', '==> volume-a <==\n\n')
    await file('volume-b.$(id)\n', 'no layer')
    await file('volume-ab', '')
    const looks = await look(['volume-a', 'volume-b', 'volume-none'])
    expect(looks.get('volume-a')).toEqual({
      format: 'raw',
      infoText: '',
      files: new Map([['volume-a', { sizeBytes: 17, head: Buffer.alloc(0) }]]),
    })
    expect(looks.get('volume-b')).toEqual({
      format: '',
      infoText: '{\n "active": "volume-b.s"\n}',
      files: new Map([
        ['volume-b', { sizeBytes: 5000, head: bytes.subarray(0, 4096) }],
        ['volume-b.s', { sizeBytes: 18, head: Buffer.from('==> volume-a <==\n\n') }],
      ]),
    })
    expect(looks.get('volume-none')).toEqual({ format: '', infoText: '', files: new Map() })
  })

  test('leaves out a volume that a script is changing, unless the look itself holds the lock', async () => {
    await file('volume-d', 'x')
    await file('volume-e', 'x')
    await file('locks/volume-d', 'token 4711 no\n')
    await file('locks/volume-e', 'token 0 yes\n')
    expect([...(await look(['volume-d', 'volume-e'])).keys()]).toEqual(['volume-e'])
    expect([...(await look(['volume-d'], true)).keys()]).toEqual(['volume-d'])
  })

  test('leaves out a volume that was changed during the look', () => {
    const said = ['state volume-a t 0 no', 'format volume-a raw', 'size volume-a 5', 'state volume-a u 0 no', ''].join(
      '\n',
    )
    expect(readLooks(said, ['volume-a'], false)).toEqual(new Map())
    expect(readLooks(said.replace('u 0', 't 0'), ['volume-a'], false).get('volume-a')?.files.size).toBe(1)
  })

  test('leaves out a volume when the first bytes of a file are missing', () => {
    const said = ['state volume-a ', 'format volume-a ', 'size volume-a 5', 'state volume-a ', ''].join('\n')
    expect(readLooks(said, ['volume-a'], true)).toEqual(new Map())
  })
})
