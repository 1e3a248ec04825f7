import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { type Client, freshClient, until } from '../client.ts'
import { suite } from '../suite.ts'
import { residentMiB } from './memory.ts'
import { dial, head } from './raw.ts'
import { longestHealthMs, watchHealth } from './watch.ts'

const mebibyte = 2 ** 20
const mostMiB = 150

let owner: Client
let other: Client
beforeAll(async () => {
  owner = await freshClient(suite().urls, suite().admin)
  other = await freshClient(suite().urls, suite().admin)
  await owner.must('object', 'PUT', '/c')
})

/** A block of 512 bytes that heads a tar entry. */
function entry(name: string, size: number, type: string): Buffer {
  const block = Buffer.alloc(512)
  block.write(name, 0)
  block.write('0000644\0', 100)
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  block.write('        ', 148)
  block.write(type, 156)
  block.write('ustar\u000000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

/** About 150 kB that unpack to one header of 150 MiB. */
const bomb = (type: string): Buffer =>
  gzipSync(Buffer.concat([entry('long', 150 * mebibyte, type), Buffer.alloc(150 * mebibyte)]))

async function unpack(path: string, body: Buffer, token: string | null): Promise<Record<string, unknown>> {
  const response = await fetch(`${suite().urls.object}/v1/AUTH_${owner.projectId}${path}?extract-archive=tar.gz`, {
    method: 'PUT',
    headers: { accept: 'application/json', connection: 'close', ...(token === null ? {} : { 'x-auth-token': token }) },
    body: body as Uint8Array<ArrayBuffer>,
    signal: AbortSignal.timeout(30_000),
  })
  return (await response.json()) as Record<string, unknown>
}

/** Runs an attack under the watch; fails when a health check was slow or memory grew beyond the bound. */
async function withstand<T>(attack: () => Promise<T>): Promise<T> {
  const before = residentMiB(suite().pid)
  const { result, slowest } = await watchHealth(attack)
  expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
  expect(residentMiB(suite().pid) - before).toBeLessThan(mostMiB)
  return result
}

test('an archive from who may not write is refused unread', async () => {
  const bytes = bomb('x')
  const statuses = await withstand(async () => {
    const ask = async (path: string, token: string | null) => (await unpack(path, bytes, token))['Response Status']
    return [await ask('/c', null), await ask('/c', other.token), await ask('', null), await ask('', other.token)]
  })
  expect(statuses).toEqual(['401 Unauthorized', '403 Forbidden', '401 Unauthorized', '403 Forbidden'])
})

test.each(['x', 'g', 'L', 'K'])('a header of 150 MiB and type %s is refused, and nobody waits for it', async (type) => {
  const bytes = bomb(type)
  const report = await withstand(() => unpack('/c', bytes, owner.token))
  expect(report).toMatchObject({ 'Response Status': '400 Bad Request', 'Number Files Created': 0 })
  expect(report['Response Body']).toMatch(/^Invalid Tar File: /)
})

test('thousands of headers that repeat a large global one keep nobody waiting', async () => {
  const record = (index: number) => `11 k${String(index).padStart(4, '0')}=v\n`
  const global = Array.from({ length: 5500 }, (_, index) => record(index)).join('')
  const pax = (type: string, text: string) => [
    entry('pax', text.length, type),
    Buffer.alloc(Math.ceil(text.length / 512) * 512, text, 'latin1').fill(0, text.length),
  ]
  const own = pax('x', '6 a=b\n')
  const blocks = [...pax('g', global)]
  for (let round = 0; round < 3000; round++) blocks.push(...own, entry('folder/', 0, '5'))
  const report = await withstand(() => unpack('/c', gzipSync(Buffer.concat(blocks)), owner.token))
  expect(report).toMatchObject({ 'Response Status': '400 Bad Request', 'Number Files Created': 0 })
})

test('a damaged archive and a cut one are a 400 in the report', async () => {
  const packed = gzipSync(Buffer.concat([entry('a', 600, '0'), Buffer.alloc(1024, 1)]))
  const damaged = Buffer.from(packed).fill(0xff, 20, 30)
  for (const bytes of [damaged, packed.subarray(0, packed.length - 12)])
    expect(await unpack('/c', bytes, owner.token)).toMatchObject({
      'Response Status': '400 Bad Request',
      'Response Body': expect.stringMatching(/^Invalid Tar File: /),
    })
})

test('an archive is no longer unpacked when its client has gone', async () => {
  await owner.must('object', 'PUT', '/left')
  const files = Array.from({ length: 5000 }, (_, index) => [entry(`f${index}`, 1, '0'), Buffer.alloc(512, 'x')]).flat()
  const bytes = gzipSync(Buffer.concat(files))
  const socket = await dial(suite().urls.object)
  const path = `/v1/AUTH_${owner.projectId}/left?extract-archive=tar.gz`
  socket.write(head(`PUT ${path}`, `X-Auth-Token: ${owner.token}`, `Content-Length: ${bytes.length}`))
  socket.write(bytes)
  const stored = async () =>
    Number((await owner.must('object', 'HEAD', '/left')).headers.get('x-container-object-count'))
  await until(stored, (count) => count > 0)
  socket.destroy()
  let last = -1
  await until(
    async () => {
      const count = await stored()
      const still = count === last
      last = count
      await sleep(500)
      return still
    },
    (still) => still,
  )
  expect(last).toBeLessThan(5000)
})
