import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Blocks } from './blocks.ts'
import { openBlocks } from './open-blocks.ts'
import type { Address } from './volume.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-blocks-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function makeImage(format: 'raw' | 'qcow2', sizeBytes: number): Promise<Address> {
  const filename = join(folder, `${crypto.randomUUID()}.${format}`)
  // qemu-img would store the first block of a raw file.
  const [tool, ...args] = format === 'raw' ? ['truncate', '-s'] : ['qemu-img', 'create', '-q', '-f', format, filename]
  await execa(tool!, [...args, String(sizeBytes), ...(format === 'raw' ? [filename] : [])])
  return { filename, format }
}

async function extentsOf(blocks: Blocks): Promise<{ offset: number; length: number }[]> {
  return Array.fromAsync(blocks.extents())
}

/** Whether qemu-io, which knows nothing of us, reads `byte` in the whole range. */
async function hasByte({ filename, format }: Address, offset: number, length: number, byte: number): Promise<boolean> {
  const read = `read -P ${byte} ${offset} ${length}`
  const { stdout, exitCode } = await execa('qemu-io', ['-f', format, '-r', '-c', read, filename], { reject: false })
  return exitCode === 0 && !stdout.includes('verification failed')
}

describe.each(['raw', 'qcow2'] as const)('blocks of a %s file', (format) => {
  test('what is written is read back, by others too, and its neighbours stay zeros', async () => {
    const address = await makeImage(format, gib)
    const blocks = await openBlocks(address, { mode: 'rw' })
    expect(blocks.sizeBytes).toBe(gib)
    const data = Buffer.alloc(3 * mib + 512, 0x5a)
    await blocks.write(7 * mib, data)
    await blocks.flush()
    const back = Buffer.alloc(data.length + 2)
    await blocks.read(7 * mib - 1, back)
    expect(back.equals(Buffer.concat([Buffer.alloc(1), data, Buffer.alloc(1)]))).toBe(true)
    await blocks.close()
    expect(await hasByte(address, 7 * mib, data.length, 0x5a)).toBe(true)
    expect(await hasByte(address, 7 * mib + data.length, mib, 0)).toBe(true)
  })

  test('extents are what may hold data, ascending, with the holes left out', async () => {
    const address = await makeImage(format, gib)
    const blocks = await openBlocks(address, { mode: 'rw' })
    expect(await extentsOf(blocks)).toEqual([])
    await blocks.write(64 * mib, Buffer.alloc(mib, 1))
    await blocks.write(65 * mib, Buffer.alloc(mib, 2))
    await blocks.write(gib - mib, Buffer.alloc(mib, 3))
    await blocks.flush()
    expect(await extentsOf(blocks)).toEqual([
      { offset: 64 * mib, length: 2 * mib },
      { offset: gib - mib, length: mib },
    ])
    await blocks.close()
  })

  test('zeroing reads as zeros whatever its length, and long ranges become holes', async () => {
    const address = await makeImage(format, gib)
    const blocks = await openBlocks(address, { mode: 'rw' })
    await blocks.write(0, Buffer.alloc(32 * mib, 0x77))
    await blocks.zero(mib, 16 * mib)
    await blocks.zero(20 * mib + 100, 1000)
    const back = Buffer.alloc(32 * mib)
    await blocks.read(0, back)
    const expected = Buffer.alloc(32 * mib, 0x77)
      .fill(0, mib, 17 * mib)
      .fill(0, 20 * mib + 100, 20 * mib + 1100)
    expect(back.equals(expected)).toBe(true)
    expect((await extentsOf(blocks))[0]).toEqual({ offset: 0, length: mib })
    await blocks.close()
    expect((await stat(address.filename)).blocks * 512).toBeLessThan(20 * mib)
  })

  test('two hundred requests at once keep their bytes apart', async () => {
    const blocks = await openBlocks(await makeImage(format, gib), { mode: 'rw' })
    const numbers = Array.from({ length: 200 }, (_, n) => n)
    await Promise.all(numbers.map((n) => blocks.write(n * 100_000, Buffer.alloc(100_000, n))))
    const whole = await Promise.all(
      numbers.map(async (n) => {
        const back = Buffer.alloc(100_000)
        await blocks.read(n * 100_000, back)
        return back.equals(Buffer.alloc(100_000, n))
      }),
    )
    expect(whole.filter((same) => !same)).toEqual([])
    await blocks.close()
  })

  test('beyond the end and into what was opened for reading, nothing is written', async () => {
    const address = await makeImage(format, mib)
    const blocks = await openBlocks(address, { mode: 'rw' })
    await expect(blocks.read(mib - 1, Buffer.alloc(2))).rejects.toMatchObject({ kind: 'invalid' })
    await expect(blocks.write(mib - 1, Buffer.alloc(2))).rejects.toMatchObject({ kind: 'invalid' })
    await expect(blocks.zero(mib, 1)).rejects.toMatchObject({ kind: 'invalid' })
    await blocks.close()
    const reader = await openBlocks(address, { mode: 'r' })
    await expect(reader.write(0, Buffer.alloc(512, 1))).rejects.toHaveProperty('kind')
    await reader.close()
    expect(await hasByte(address, 0, mib, 0)).toBe(true)
  })

  test('what is not there is said at once, and no folder stays', async () => {
    const missing = join(folder, 'nothing-here')
    const before = await leftFolders()
    await expect(openBlocks({ filename: missing, format }, { mode: 'r' })).rejects.toMatchObject({
      message: expect.stringContaining('nothing-here'),
    })
    expect(await leftFolders()).toEqual(before)
  })
})

test('a server that listens, and only then cannot open what it serves, says why', async () => {
  const silent = createServer((socket) => void setTimeout(() => socket.destroy(), 300)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  const filename = `nbd://127.0.0.1:${(silent.address() as AddressInfo).port}`
  const opening = openBlocks({ filename, format: 'raw' }, { mode: 'r' })
  await expect(opening).rejects.toThrow(/qemu-nbd: Failed to/)
  silent.close()
})

async function leftFolders(): Promise<string[]> {
  return (await readdir(tmpdir())).filter((name) => name.startsWith('hearth-nbd-'))
}

test('a json address of any driver of qemu is opened', async () => {
  const { filename } = await makeImage('raw', 8 * mib)
  const json = JSON.stringify({ driver: 'raw', offset: 4 * mib, size: 4 * mib, file: { driver: 'file', filename } })
  const blocks = await openBlocks({ filename: `json:${json}`, format: 'raw' }, { mode: 'rw' })
  expect(blocks.sizeBytes).toBe(4 * mib)
  await blocks.write(0, Buffer.alloc(512, 0x42))
  await blocks.close()
  expect(await hasByte({ filename, format: 'raw' }, 4 * mib, 512, 0x42)).toBe(true)
})

test('a secret of an address is in no command line and no error', async () => {
  const filename = 'json:{"driver":"luks","key-secret":"chap","file":{"driver":"file","filename":"/dev/null"}}'
  const secrets = { chap: 'do-not-tell-8f1d' }
  const commands: string[] = []
  const run = async (argv: string[]): Promise<never> => {
    commands.push(argv.join(' '))
    throw new Error('not started')
  }
  await openBlocks({ filename, format: 'raw' }, { mode: 'r', secrets, run }).catch(() => undefined)
  const error = await openBlocks({ filename, format: 'raw' }, { mode: 'r', secrets }).catch((e: unknown) => e)
  expect(commands.join()).toContain('secret,id=chap')
  expect(`${commands.join()} ${error}`).not.toContain('do-not-tell-8f1d')
})

test('a file that shrinks under its reader is an error, not zeros', async () => {
  const address = await makeImage('raw', 2 * mib)
  const blocks = await openBlocks(address, { mode: 'r' })
  await truncate(address.filename, mib)
  await expect(blocks.read(mib, Buffer.alloc(512))).rejects.toMatchObject({ kind: 'failed' })
  await blocks.close()
})

test('when this process is killed its block server ends too', async () => {
  const { filename } = await makeImage('qcow2', mib)
  const script = `
    import { openBlocks } from ${JSON.stringify(join(import.meta.dirname, 'open-blocks.ts'))}
    await openBlocks({ filename: ${JSON.stringify(filename)}, format: 'qcow2' }, { mode: 'rw' })
    process.stdout.write('open')
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  expect(await serversOf(filename)).toHaveLength(1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  while ((await serversOf(filename)).length > 0) await new Promise((resolve) => setTimeout(resolve, 10))
})

async function serversOf(filename: string): Promise<string[]> {
  const { stdout } = await execa('pgrep', ['-f', `^qemu-nbd .*${filename}`], { reject: false })
  return stdout.split('\n').filter((pid) => pid !== '')
}
