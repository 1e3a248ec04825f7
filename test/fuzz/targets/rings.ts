import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import {
  addDevice,
  createBuilder,
  encodeRing,
  loadBuilder,
  openRing,
  RingError,
  readRing,
  rebalance,
  ringOf,
  saveBuilder,
} from '@hearth/ring'
import fc from 'fast-check'
import { define, refusedOr } from '../target.ts'
import { damage, damages, json, jsonText, oddNumber } from '../values.ts'

const headerKeys = ['byteorder', 'devs', 'part_shift', 'replica_count', 'version', 'next_part_power']
const builderKeys = [
  'partPower',
  'replicas',
  'minPartHours',
  'overload',
  'version',
  'devices',
  'removing',
  'movesAsOf',
  'assignment',
  'hoursSinceMove',
]
const value = fc.oneof(oddNumber as fc.Arbitrary<unknown>, json)

/** Ring files and builder files: read whole, or refused as no ring; what was read can be used. */
export const target = define({
  surface: 'process',
  memoryMiB: 400,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'hearth-fuzz-rings-'))
    const path = join(folder, 'file')
    const builder = createBuilder({ partPower: 4, replicas: 3, minPartHours: 0 })
    for (let zone = 1; zone < 5; zone++)
      addDevice(builder, {
        region: 1,
        zone,
        ip: '127.0.0.1',
        port: 6000 + zone,
        device: `d${zone}`,
        weight: 1,
      } as never)
    rebalance(builder)
    await saveBuilder(path, builder)
    const builderText = await import('node:fs').then(({ readFileSync }) => readFileSync(path, 'utf8'))
    const plain = gunzipSync(encodeRing(ringOf(builder)))
    return {
      cases: fc.oneof(
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constant('bytes'),
            key: fc.constant(''),
            value: fc.constant(null as unknown),
            changes: damages,
          }),
        },
        {
          weight: 3,
          arbitrary: fc.record({
            kind: fc.constant('header'),
            key: fc.constantFrom(...headerKeys),
            value,
            changes: fc.constant([]),
          }),
        },
        {
          weight: 1,
          arbitrary: fc.record({
            kind: fc.constant('zip'),
            key: fc.constant(''),
            value: fc.constant(null as unknown),
            changes: damages,
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant('builder'),
            key: fc.constantFrom(...builderKeys),
            value,
            changes: fc.constant([]),
          }),
        },
        {
          weight: 2,
          arbitrary: fc.record({
            kind: fc.constant('builder'),
            key: fc.constant(''),
            value: fc.constant(null as unknown),
            changes: damages,
          }),
        },
      ),
      async run({ kind, key, value: put, changes }) {
        if (kind === 'builder') {
          const text = key === '' ? builderText : jsonText({ ...JSON.parse(builderText), [key]: put })
          writeFileSync(path, damage(Buffer.from(text), changes))
          await refusedOr(async () => ringOf(await loadBuilder(path)), isRingError)
          return
        }
        const bytes =
          kind === 'header' ? withHeader(plain, key, put) : kind === 'bytes' ? damage(plain, changes) : plain
        writeFileSync(path, kind === 'zip' ? damage(gzipSync(bytes), changes) : gzipSync(bytes, { level: 1 }))
        await refusedOr(async () => {
          const ring = openRing(await readRing(path))
          const hash = Buffer.alloc(16, 0xa5)
          const partition = ring.partition(hash)
          const devices = [...ring.primaries(partition), ...ring.handoffs(partition)]
          if (new Set(devices).size !== devices.length) throw new Error('names a device twice')
          for (const { ip, port } of devices)
            if (typeof ip !== 'string' || typeof port !== 'number') throw new Error('names a device without an address')
        }, isRingError)
      },
      close: () => rmSync(folder, { recursive: true, force: true }),
    }
  },
})

const isRingError = (error: Error): boolean => error instanceof RingError

function withHeader(plain: Buffer, key: string, value: unknown): Buffer {
  const length = plain.readUInt32BE(6)
  const header = JSON.parse(plain.subarray(10, 10 + length).toString('latin1')) as object
  const changed = Buffer.from(jsonText({ ...header, [key]: value }))
  const size = Buffer.alloc(4)
  size.writeUInt32BE(changed.length)
  return Buffer.concat([plain.subarray(0, 6), size, changed, plain.subarray(10 + length)])
}
