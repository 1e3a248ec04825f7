import { describe, expect, test } from 'vitest'
import { failureOf } from './failures.ts'
import { openGroup } from './group.ts'
import { parseReport } from './lvm.ts'
import { devicePath, logicalName, plainName } from './names.ts'
import { mirroredFree } from './stats.ts'
import { markOf, markTag, newOwner, ownerState } from './tags.ts'

/** Report of LVM 2.03.16 for a group with a thin pool, a volume, its snapshot and an unfinished clone. */
const thinReport = `  LVM2_VG_NAME='vg0' LVM2_VG_SIZE='8585740288' LVM2_VG_FREE='1228931072' LVM2_VG_EXTENT_SIZE='4194304'
  LVM2_PV_NAME='/dev/vdb' LVM2_PV_FREE='1228931072' LVM2_PV_MISSING=''
  LVM2_LV_NAME='_snapshot-x' LVM2_LV_SIZE='1073741824' LVM2_LV_ATTR='Vwi---tz-k' LVM2_LV_TAGS='hearth.of=volume-a' LVM2_ORIGIN='volume-a' LVM2_ORIGIN_SIZE='' LVM2_POOL_LV='vg0-pool' LVM2_DATA_PERCENT='' LVM2_METADATA_PERCENT='' LVM2_LV_METADATA_SIZE=''
  LVM2_LV_NAME='vg0-pool' LVM2_LV_SIZE='7340032000' LVM2_LV_ATTR='twi-aotz--' LVM2_LV_TAGS='' LVM2_ORIGIN='' LVM2_ORIGIN_SIZE='' LVM2_POOL_LV='' LVM2_DATA_PERCENT='0.05' LVM2_METADATA_PERCENT='11.08' LVM2_LV_METADATA_SIZE='8388608'
  LVM2_LV_NAME='volume-a' LVM2_LV_SIZE='2147483648' LVM2_LV_ATTR='Vwi-aotz--' LVM2_LV_TAGS='' LVM2_ORIGIN='' LVM2_ORIGIN_SIZE='' LVM2_POOL_LV='vg0-pool' LVM2_DATA_PERCENT='0.00' LVM2_METADATA_PERCENT='' LVM2_LV_METADATA_SIZE=''
  LVM2_LV_NAME='volume-b' LVM2_LV_SIZE='1073741824' LVM2_LV_ATTR='Vwi---tz--' LVM2_LV_TAGS='hearth.making=/lab:9:77:1,mine' LVM2_ORIGIN='volume-a' LVM2_ORIGIN_SIZE='' LVM2_POOL_LV='vg0-pool' LVM2_DATA_PERCENT='' LVM2_METADATA_PERCENT='' LVM2_LV_METADATA_SIZE=''
  LVM2_PV_NAME='/dev/vdb'
  LVM2_PV_NAME='/dev/vdb'
  LVM2_LV_NAME='vg0-pool'
  LVM2_LV_NAME='volume-a'
`
/** Report of the same LVM for a group with a missing second device, a volume on it and an overflowed snapshot. */
const thickReport = `  LVM2_VG_NAME='vg1' LVM2_VG_SIZE='8581545984' LVM2_VG_FREE='2126512128' LVM2_VG_EXTENT_SIZE='4194304'
  LVM2_PV_NAME='/dev/vdc' LVM2_PV_FREE='1052770304' LVM2_PV_MISSING=''
  LVM2_PV_NAME='[unknown]' LVM2_PV_FREE='1073741824' LVM2_PV_MISSING='missing'
  LVM2_LV_NAME='_snapshot-x' LVM2_LV_SIZE='813694976' LVM2_LV_ATTR='swi-I-s---' LVM2_LV_TAGS='' LVM2_ORIGIN='volume-a' LVM2_ORIGIN_SIZE='1610612736' LVM2_POOL_LV='' LVM2_DATA_PERCENT='100.00' LVM2_METADATA_PERCENT='' LVM2_LV_METADATA_SIZE=''
  LVM2_LV_NAME='volume-a' LVM2_LV_SIZE='1610612736' LVM2_LV_ATTR='owi-a-s---' LVM2_LV_TAGS='' LVM2_ORIGIN='' LVM2_ORIGIN_SIZE='1610612736' LVM2_POOL_LV='' LVM2_DATA_PERCENT='' LVM2_METADATA_PERCENT='' LVM2_LV_METADATA_SIZE=''
  LVM2_LV_NAME='volume-b' LVM2_LV_SIZE='1073741824' LVM2_LV_ATTR='-wi-----p-' LVM2_LV_TAGS='' LVM2_ORIGIN='' LVM2_ORIGIN_SIZE='' LVM2_POOL_LV='' LVM2_DATA_PERCENT='' LVM2_METADATA_PERCENT='' LVM2_LV_METADATA_SIZE=''
  LVM2_PV_NAME='/dev/vdc'
  LVM2_LV_NAME='volume-a'
`

describe('a report of LVM', () => {
  test('shows a thin group: its pool, the origin of snapshots, open volumes and unfinished volumes', () => {
    const report = parseReport(thinReport)!
    expect(report).toMatchObject({ name: 'vg0', sizeBytes: 8585740288, freeBytes: 1228931072, extentBytes: 4194304 })
    const [snapshot, pool, volume, clone] = report.volumes
    expect(pool).toMatchObject({ kind: 'pool', dataPercent: 0.05, metadataPercent: 11.08, metadataBytes: 8388608 })
    expect(snapshot).toMatchObject({ kind: 'thin', origin: 'volume-a', active: false, skipped: true, broken: false })
    expect(volume).toMatchObject({ kind: 'thin', active: true, open: true, sizeBytes: 2147483648, tags: [] })
    expect(markOf(clone!, 'making')).toMatchObject({ owner: 'lab:9:77:1', about: '' })
    expect(markOf(volume!, 'making')).toBe(undefined)
  })

  test('shows a thick group: missing devices, an overflowed snapshot and the size of its volume', () => {
    const report = parseReport(thickReport)!
    expect(report.devices.map(({ missing }) => missing)).toEqual([false, true])
    const [snapshot, origin, partial] = report.volumes
    expect(snapshot).toMatchObject({ kind: 'snapshot', broken: true, origin: 'volume-a', originBytes: 1610612736 })
    expect(origin).toMatchObject({ kind: 'thick', active: true, open: false, merging: false, broken: false })
    expect(partial).toMatchObject({ kind: 'thick', partial: true, active: false })
  })

  test('is null when there is no such group', () => {
    expect(parseReport('  Reading VG vg0 without a lock.\n')).toBe(null)
  })
})

describe('names', () => {
  test('match upstream: snapshots get an underscore, devices get doubled dashes', () => {
    expect(logicalName('volume-1-2')).toBe('volume-1-2')
    expect(logicalName('snapshot-1')).toBe('_snapshot-1')
    expect(plainName('_snapshot-1')).toBe('snapshot-1')
    expect(devicePath('cinder-volumes', '_snapshot-1')).toBe('/dev/mapper/cinder--volumes-_snapshot--1')
  })

  test.each(['root', 'volume', 'volume-', '_snapshot-1', 'volume-x_tdata', 'volume-x_rimage_0', '-f', 'volume-$(id)'])(
    'that belong to other programs, to LVM itself or to a shell are refused: %j',
    (name) => expect(() => logicalName(name)).toThrow('cannot name'),
  )
})

describe('owners of unfinished work', () => {
  test('are alive as long as their process, and a later process with the same id is another owner', () => {
    const owner = newOwner()
    expect(ownerState(owner)).toBe('alive')
    const [host, pid, start] = owner.split(':')
    expect(ownerState([host, pid, Number(start) - 1, 1].join(':'))).toBe('dead')
    expect(ownerState([host, 2 ** 22 + 1, start, 1].join(':'))).toBe('dead')
    expect(ownerState(['elsewhere', pid, start, 1].join(':'))).toBe('unknown')
  })

  test('are stored in tags that LVM accepts', () => {
    expect(markTag('growing', newOwner(), '1073741824')).toMatch(/^[A-Za-z0-9_+.\-/=!:&#]+$/)
  })
})

test.each([
  ['Volume group "thin" has insufficient free space (10 extents): 256 required.', 'no-space'],
  ['Insufficient suitable allocatable extents for logical volume volume-1: 1 more required', 'no-space'],
  ['Cannot create new thin volume, free space in thin pool vg/pool reached threshold.', 'no-space'],
  ['Logical volume vg/volume-1 in use.', 'busy'],
  ['Logical volume vg/volume-1 contains a filesystem in use.', 'busy'],
  ['Snapshot origin volumes can be resized only while inactive: try lvchange -an.', 'busy'],
  ['Failed to find logical volume "vg/volume-1"', 'not-found'],
  ['Volume group "nono" not found\nCannot process volume group nono', 'unavailable'],
  ['Cannot change VG vg1 while PVs are missing.', 'unavailable'],
  [
    'Error reading device /dev/sdz: Input/output error\nVolume group "thin" has insufficient free space (1 extents): 256 required.',
    'no-space',
  ],
  ['', 'failed'],
])('the LVM message %j becomes the error %s', (said, kind) => {
  expect(failureOf(said, 'volume-1')).toMatchObject({ kind, message: expect.stringContaining('volume-1') })
})

test('the lines for one LVM process fit in its pipe, so that it never reads half a line', async () => {
  const given: string[] = []
  const group = openGroup(
    'g',
    async (argv) => {
      given.push(argv.at(-1)!)
      return { stdout: '', stderr: '', exitCode: 75 }
    },
    () => undefined,
  )
  const names = Array.from({ length: 100 }, (_, i) => `volume-00000000-0000-0000-0000-${String(i).padStart(12, '0')}`)
  const runs = names.map((name) => group.perform({ commands: [`lvcreate -n ${name} g`], remove: [name] }))
  expect(new Set((await Promise.allSettled(runs)).map(({ status }) => status))).toEqual(new Set(['rejected']))
  expect(given.map((text) => text.length > 4095)).toEqual(given.map(() => false))
  expect(given.length).toBeLessThan(10)
  for (const name of names) expect(given.filter((text) => text.includes(`lvcreate -n ${name} g\n`))).toHaveLength(1)
})

test('mirrored capacity counts only bytes that have a partner on another device', () => {
  const device = (freeBytes: number) => ({ name: 'd', freeBytes, missing: false })
  const free = (...bytes: number[]) =>
    mirroredFree({ name: 'g', sizeBytes: 0, freeBytes: 0, extentBytes: 1, volumes: [], devices: bytes.map(device) }, 1)
  expect(free(10)).toBe(0)
  expect(free(10, 4)).toBe(4)
  expect(free(10, 10, 10)).toBe(15)
})
