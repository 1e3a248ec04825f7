import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import {
  activeDevices,
  addDevice,
  type Builder,
  balanceOf,
  createBuilder,
  dispersionOf,
  encodeRing,
  hashPath,
  loadBuilder,
  openRing,
  partitionOf,
  readRing,
  rebalance,
  removeDevice,
  ringCommand,
  ringOf,
  saveBuilder,
  setWeight,
  validateRing,
  writeRing,
} from './index.ts'

function cluster(layout: { zone: number; weight?: number; region?: number }[], replicas = 3, partPower = 8): Builder {
  const builder = createBuilder({ partPower, replicas, minPartHours: 1 })
  layout.forEach((entry, index) => {
    addDevice(builder, { weight: 1, ip: `10.0.${entry.zone}.1`, port: 6200, device: `sd${index}`, ...entry })
  })
  return builder
}

const zones = (builder: Builder, partition: number) =>
  builder.assignment.map((row) => builder.devices[row[partition]!]!.zone)

test('a rebalance puts one of three replicas into each of three zones', () => {
  const builder = cluster([{ zone: 1 }, { zone: 1 }, { zone: 2 }, { zone: 2 }, { zone: 3 }, { zone: 3 }])
  rebalance(builder, { seed: 'a' })
  validateRing(builder)
  for (let partition = 0; partition < 256; partition++) expect(new Set(zones(builder, partition)).size).toBe(3)
  expect(balanceOf(builder)).toBeLessThan(1)
  expect(dispersionOf(builder)).toBe(0)
})

test('a rebalance of three replicas on one device throws an error with both numbers', () => {
  const builder = cluster([{ zone: 1 }])
  expect(() => rebalance(builder)).toThrow('Replica count of 3 requires more than 1 devices')
})

test('a device takes partitions in proportion to its weight', () => {
  const builder = cluster(
    [
      { zone: 1, weight: 100 },
      { zone: 1, weight: 100 },
      { zone: 1, weight: 200 },
    ],
    1,
    10,
  )
  rebalance(builder, { seed: 'a' })
  const counts = [0, 1, 2].map((id) => builder.assignment[0]!.filter((held) => held === id).length)
  expect(counts).toEqual([256, 256, 512])
})

test('overload improves dispersion and lets devices exceed their weight', () => {
  const layout = [
    { zone: 1, weight: 1 },
    { zone: 2, weight: 1 },
    { zone: 3, weight: 0.8 },
  ]
  const strict = cluster([...layout, { zone: 1, weight: 1 }])
  rebalance(strict, { seed: 'a' })
  const relaxed = cluster([...layout, { zone: 1, weight: 1 }])
  relaxed.overload = 1
  rebalance(relaxed, { seed: 'a' })
  expect(dispersionOf(strict)).toBeGreaterThan(0)
  expect(dispersionOf(relaxed)).toBe(0)
})

test('a rebalance moves at most one replica of a partition, and no other for min part hours', () => {
  const builder = cluster([{ zone: 1 }, { zone: 2 }, { zone: 3 }])
  rebalance(builder, { seed: 'a', now: 1_000_000 })
  const before = builder.assignment.map((row) => row.slice())
  for (const zone of [1, 2, 3]) addDevice(builder, { zone, ip: `10.0.${zone}.2`, port: 6200, device: 'new', weight: 1 })
  rebalance(builder, { seed: 'b', now: 1_000_060 })
  expect(builder.assignment).toEqual(before)
  rebalance(builder, { seed: 'c', now: 1_000_000 + 3600 })
  for (let partition = 0; partition < 256; partition++) {
    const moved = builder.assignment.filter((row, replica) => row[partition] !== before[replica]![partition])
    expect(moved.length).toBeLessThanOrEqual(1)
  }
  for (let round = 2; round < 6; round++) rebalance(builder, { seed: `${round}`, now: 1_000_000 + 3600 * round })
  validateRing(builder)
  expect(balanceOf(builder)).toBeLessThan(3)
})

test('the next rebalance empties a removed device, and a new device gets its id', () => {
  const builder = cluster([{ zone: 1 }, { zone: 2 }, { zone: 3 }, { zone: 4 }])
  rebalance(builder, { seed: 'a', now: 1_000_000 })
  removeDevice(builder, 1)
  expect(rebalance(builder, { seed: 'b', now: 1_000_001 }).removedDevices).toBe(1)
  validateRing(builder)
  expect(builder.devices[1]).toBeNull()
  expect(addDevice(builder, { zone: 2, ip: '10.9.9.9', port: 6200, device: 'x', weight: 1 })).toBe(1)
})

test('a rebalance moves all partitions away from a device with weight zero', () => {
  const builder = cluster([{ zone: 1 }, { zone: 2 }, { zone: 3 }, { zone: 4 }])
  rebalance(builder, { seed: 'a', now: 1_000_000 })
  setWeight(builder, 0, 0)
  rebalance(builder, { seed: 'b', now: 1_000_000 + 7200 })
  expect(builder.assignment.flatMap((row) => [...row]).filter((id) => id === 0)).toEqual([])
  expect(activeDevices(builder)).toHaveLength(4)
})

test('a fractional replica count gives some of the partitions one more replica', () => {
  const builder = cluster([{ zone: 1 }, { zone: 2 }, { zone: 3 }], 2.5)
  rebalance(builder, { seed: 'a' })
  expect(builder.assignment.map((row) => row.length)).toEqual([256, 256, 128])
  const ring = openRing(ringOf(builder))
  expect(ring.primaries(200)).toHaveLength(2)
  expect(ring.primaries(100)).toHaveLength(3)
})

test('handoffs come from other zones first and never repeat a device', () => {
  const builder = cluster([{ zone: 1 }, { zone: 1 }, { zone: 2 }, { zone: 2 }, { zone: 3 }, { zone: 4 }], 2)
  rebalance(builder, { seed: 'a' })
  const ring = openRing(ringOf(builder))
  for (let partition = 0; partition < 256; partition++) {
    const primaries = ring.primaries(partition)
    const handoffs = [...ring.handoffs(partition)]
    expect(new Set([...primaries, ...handoffs].map((device) => device.id)).size).toBe(6)
    const taken = new Set(primaries.map((device) => device.zone))
    expect(taken.has(handoffs[0]!.zone)).toBe(false)
  }
})

test('equal builders give equal ring files, which read back the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ring-'))
  const make = () => {
    const builder = cluster([{ zone: 1 }, { zone: 2 }, { zone: 3 }])
    rebalance(builder, { seed: 'same' })
    return builder
  }
  const builder = make()
  expect(encodeRing(ringOf(builder))).toEqual(encodeRing(ringOf(make())))
  await writeRing(join(folder, 'object.ring.gz'), ringOf(builder))
  expect(await readRing(join(folder, 'object.ring.gz'))).toEqual(ringOf(builder))
  await saveBuilder(join(folder, 'object.builder.json'), builder)
  expect(await loadBuilder(join(folder, 'object.builder.json'))).toEqual(builder)
})

test('the error for a file that is not a ring names the file', async () => {
  await expect(readRing(import.meta.filename)).rejects.toThrow(/cannot read the ring .*ring\.test\.ts/)
})

test('the partition of a name comes from the md5 of prefix, path and suffix', () => {
  const hash = hashPath({ prefix: '', suffix: 'changeme' }, 'AUTH_test', 'c', 'o/with/slash')
  expect(hash).toHaveLength(16)
  expect(partitionOf(hash, 32)).toBe(0)
  expect(partitionOf(hash, 22)).toBe(hash.readUInt32BE(0) >>> 22)
})

test('the commands create a builder, add devices and write a ring', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ring-'))
  const builder = join(folder, 'object.builder.json')
  const lines: string[] = []
  const run = (...words: string[]) => ringCommand((line) => lines.push(line)).parseAsync(words, { from: 'user' })
  await run('create', builder, '--part-power', '6')
  for (const zone of [1, 2, 3]) await run('add', builder, `r1z${zone}-127.0.0.1:620${zone}/sdb`, '100')
  await run('rebalance', builder, '--seed', '1', '--json')
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ moved: 64, balance: 0, dispersion: 0 })
  await run('show', builder, '--json')
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({
    replicas: 3,
    devices: [{ id: 0, parts: 64 }, { id: 1 }, { id: 2 }],
  })
  await run('validate', builder)
  await expect(run('create', builder)).rejects.toThrow('exists already')
  await expect(run('add', builder, 'nonsense', '1')).rejects.toThrow('is not a device')
  expect((await readFile(join(folder, 'object.ring.gz'))).subarray(0, 2).toString('hex')).toBe('1f8b')
})

test('reading a damaged ring or builder file throws an error that says so, whichever field is damaged', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-ring-'))
  const builder = cluster([{ zone: 1 }, { zone: 2 }, { zone: 3 }])
  rebalance(builder)
  await saveBuilder(join(folder, 'builder'), builder)
  const json = JSON.parse(await readFile(join(folder, 'builder'), 'utf8')) as object
  for (const damage of [
    { devices: 0 },
    { devices: [{}] },
    { hoursSinceMove: null },
    { assignment: ['x'] },
    { partPower: -1 },
  ]) {
    await writeFile(join(folder, 'damaged'), JSON.stringify({ ...json, ...damage }))
    await expect(loadBuilder(join(folder, 'damaged'))).rejects.toThrow('damaged is damaged: ')
  }
  const plain = gunzipSync(encodeRing(ringOf(builder)))
  const text = plain.toString('latin1')
  for (const [from, to] of [
    ['"devs"', '"dewt"'],
    ['"part_shift"', '"part_shaft"'],
    ['"byteorder":', '"byteorder"'],
  ] as const) {
    await writeFile(join(folder, 'damaged'), gzipSync(Buffer.from(text.replace(from, to), 'latin1')))
    await expect(readRing(join(folder, 'damaged'))).rejects.toThrow(/the header of .* is (damaged|no JSON)/)
  }
  await writeFile(join(folder, 'damaged'), gzipSync(plain.subarray(0, 8)))
  await expect(readRing(join(folder, 'damaged'))).rejects.toThrow('is no JSON')
})
