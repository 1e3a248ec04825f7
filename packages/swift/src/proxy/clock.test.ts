import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCloud } from '../for-tests/cloud.ts'
import { openTimestamps } from '../model/timestamps.ts'

test('a clock that is set back by an hour neither brings old bytes back nor keeps an object from being deleted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'swift-clock-'))
  let hours = 0
  const open = () => openCloud({ folder, keepers: false, storage: { clock: () => Date.now() + hours * 3_600_000 } })
  let cloud = await open()
  try {
    await cloud.call('PUT', '/c')
    for (const name of ['a', 'b']) await cloud.call('PUT', `/c/${name}`, { body: 'old' })
    hours = -1
    expect((await cloud.call('PUT', '/c/a', { body: 'new' })).status).toBe(201)
    await cloud.close()
    hours = -2
    cloud = await open()
    expect(await (await cloud.call('GET', '/c/a')).text()).toBe('new')
    expect((await cloud.call('PUT', '/c/a', { body: 'newest' })).status).toBe(201)
    expect(await (await cloud.call('GET', '/c/a')).text()).toBe('newest')
    expect((await cloud.call('POST', '/c/a', { headers: { 'x-object-meta-x': '1' } })).status).toBe(202)
    expect((await cloud.call('HEAD', '/c/a')).headers.get('x-object-meta-x')).toBe('1')
    expect((await cloud.call('DELETE', '/c/b')).status).toBe(204)
    expect((await cloud.call('GET', '/c/b')).status).toBe(404)
    expect((await cloud.call('DELETE', '/c/a')).status).toBe(204)
    expect((await cloud.call('DELETE', '/c')).status).toBe(204)
    expect((await cloud.call('PUT', '/c')).status).toBe(201)
    expect((await cloud.call('HEAD', '/c')).status).toBe(204)
  } finally {
    await cloud.close()
    await rm(folder, { recursive: true, force: true })
  }
})

test('timestamps are later than all that was seen, whatever the clock says', () => {
  let [now, floor] = [1_700_000_000_000, '0000000000.00000']
  const timestamps = openTimestamps(
    () => now,
    () => floor,
  )
  expect(timestamps.next()).toBe('1700000000.00000')
  now -= 3_600_000
  expect(timestamps.next()).toBe('1700000000.00001')
  floor = '1700000100.00000'
  expect(timestamps.next()).toBe('1700000100.00001')
})
