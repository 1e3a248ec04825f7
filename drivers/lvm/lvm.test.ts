import { describe, expect, test } from 'vitest'
import { failureOf } from './failures.ts'
import { parseReport } from './lvm.ts'
import { devicePath, logicalName, plainName } from './names.ts'
import { mirroredFree } from './stats.ts'
import { markOf, markTag, newOwner, ownerState } from './tags.ts'

/** As LVM 2.03.16 reported a group with a thin pool, a volume, its snapshot and an unfinished clone. */
const thinReport = `  {
      "report": [
          {
              "vg": [
                  {"vg_name":"vg0", "vg_size":"8585740288", "vg_free":"1228931072", "vg_extent_size":"4194304"}
              ]
              ,
              "pv": [
                  {"pv_name":"/dev/vdb", "pv_free":"1228931072", "pv_missing":""}
              ]
              ,
              "lv": [
                  {"lv_name":"_snapshot-x", "lv_size":"1073741824", "lv_attr":"Vwi---tz-k", "lv_tags":"hearth.of=volume-a", "origin":"volume-a", "origin_size":"", "pool_lv":"vg0-pool", "data_percent":"", "metadata_percent":"", "lv_metadata_size":""},
                  {"lv_name":"vg0-pool", "lv_size":"7340032000", "lv_attr":"twi-aotz--", "lv_tags":"", "origin":"", "origin_size":"", "pool_lv":"", "data_percent":"0.05", "metadata_percent":"11.08", "lv_metadata_size":"8388608"},
                  {"lv_name":"volume-a", "lv_size":"2147483648", "lv_attr":"Vwi-aotz--", "lv_tags":"", "origin":"", "origin_size":"", "pool_lv":"vg0-pool", "data_percent":"0.00", "metadata_percent":"", "lv_metadata_size":""},
                  {"lv_name":"volume-b", "lv_size":"1073741824", "lv_attr":"Vwi---tz--", "lv_tags":"hearth.making=/lab:9:77:1,mine", "origin":"volume-a", "origin_size":"", "pool_lv":"vg0-pool", "data_percent":"", "metadata_percent":"", "lv_metadata_size":""}
              ]
              ,
              "pvseg": [
                  {"pv_name":"/dev/vdb"},
                  {"pv_name":"/dev/vdb"}
              ]
              ,
              "seg": [
                  {"lv_name":"vg0-pool"},
                  {"lv_name":"volume-a"}
              ]
          }
      ]
  }
`
/** The same LVM, of a group whose second device is gone, with a volume on it and an overfull snapshot. */
const thickReport = `  {
      "report": [
          {
              "vg": [
                  {"vg_name":"vg1", "vg_size":"8581545984", "vg_free":"2126512128", "vg_extent_size":"4194304"}
              ]
              ,
              "pv": [
                  {"pv_name":"/dev/vdc", "pv_free":"1052770304", "pv_missing":""},
                  {"pv_name":"[unknown]", "pv_free":"1073741824", "pv_missing":"missing"}
              ]
              ,
              "lv": [
                  {"lv_name":"_snapshot-x", "lv_size":"813694976", "lv_attr":"swi-I-s---", "lv_tags":"", "origin":"volume-a", "origin_size":"1610612736", "pool_lv":"", "data_percent":"100.00", "metadata_percent":"", "lv_metadata_size":""},
                  {"lv_name":"volume-a", "lv_size":"1610612736", "lv_attr":"owi-a-s---", "lv_tags":"", "origin":"", "origin_size":"1610612736", "pool_lv":"", "data_percent":"", "metadata_percent":"", "lv_metadata_size":""},
                  {"lv_name":"volume-b", "lv_size":"1073741824", "lv_attr":"-wi-----p-", "lv_tags":"", "origin":"", "origin_size":"", "pool_lv":"", "data_percent":"", "metadata_percent":"", "lv_metadata_size":""}
              ]
              ,
              "pvseg": [
                  {"pv_name":"/dev/vdc"}
              ]
              ,
              "seg": [
                  {"lv_name":"volume-a"}
              ]
          }
      ]
  }
`

describe('a report of LVM', () => {
  test('tells a thin group: its pool, who is whose snapshot, what is open and what is unfinished', () => {
    const report = parseReport(thinReport)!
    expect(report).toMatchObject({ name: 'vg0', sizeBytes: 8585740288, freeBytes: 1228931072, extentBytes: 4194304 })
    const [snapshot, pool, volume, clone] = report.volumes
    expect(pool).toMatchObject({ kind: 'pool', dataPercent: 0.05, metadataPercent: 11.08, metadataBytes: 8388608 })
    expect(snapshot).toMatchObject({ kind: 'thin', origin: 'volume-a', active: false, skipped: true, broken: false })
    expect(volume).toMatchObject({ kind: 'thin', active: true, open: true, sizeBytes: 2147483648, tags: [] })
    expect(markOf(clone!, 'making')).toMatchObject({ owner: 'lab:9:77:1', about: '' })
    expect(markOf(volume!, 'making')).toBe(undefined)
  })

  test('tells a thick group: lost devices, an overfull snapshot and the size of what it is of', () => {
    const report = parseReport(thickReport)!
    expect(report.devices.map(({ missing }) => missing)).toEqual([false, true])
    const [snapshot, origin, partial] = report.volumes
    expect(snapshot).toMatchObject({ kind: 'snapshot', broken: true, origin: 'volume-a', originBytes: 1610612736 })
    expect(origin).toMatchObject({ kind: 'thick', active: true, open: false, merging: false, broken: false })
    expect(partial).toMatchObject({ kind: 'thick', partial: true, active: false })
  })

  test('says that there is no such group, and refuses what is no report', () => {
    expect(parseReport('  {\n      "report": [\n      ]\n  }\n')).toBe(null)
    expect(() => parseReport('  Reading VG vg0 without a lock.')).toThrow('no JSON')
  })
})

describe('names', () => {
  test('are upstream’s: snapshots get an underscore, devices doubled dashes', () => {
    expect(logicalName('volume-1-2')).toBe('volume-1-2')
    expect(logicalName('snapshot-1')).toBe('_snapshot-1')
    expect(plainName('_snapshot-1')).toBe('snapshot-1')
    expect(devicePath('cinder-volumes', '_snapshot-1')).toBe('/dev/mapper/cinder--volumes-_snapshot--1')
  })

  test.each(['root', 'volume', 'volume-', '_snapshot-1', 'volume-x_tdata', 'volume-x_rimage_0', '-f', 'volume-$(id)'])(
    'of others, of LVM itself or of a shell are refused: %j',
    (name) => expect(() => logicalName(name)).toThrow('cannot name'),
  )
})

describe('owners of unfinished work', () => {
  test('live as long as their process does, and a later process of that id is another', () => {
    const owner = newOwner()
    expect(ownerState(owner)).toBe('alive')
    const [host, pid, start] = owner.split(':')
    expect(ownerState([host, pid, Number(start) - 1, 1].join(':'))).toBe('dead')
    expect(ownerState([host, 2 ** 22 + 1, start, 1].join(':'))).toBe('dead')
    expect(ownerState(['elsewhere', pid, start, 1].join(':'))).toBe('unknown')
  })

  test('stand in tags that LVM takes', () => {
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
  ['', 'failed'],
])('what LVM said, %j, is %s', (said, kind) => {
  expect(failureOf(said, 'volume-1')).toMatchObject({ kind, message: expect.stringContaining('volume-1') })
})

test('mirrored room is what has a partner on another device', () => {
  const device = (freeBytes: number) => ({ name: 'd', freeBytes, missing: false })
  const free = (...bytes: number[]) =>
    mirroredFree({ name: 'g', sizeBytes: 0, freeBytes: 0, extentBytes: 1, volumes: [], devices: bytes.map(device) }, 1)
  expect(free(10)).toBe(0)
  expect(free(10, 4)).toBe(4)
  expect(free(10, 10, 10)).toBe(15)
})
