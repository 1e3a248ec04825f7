import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { openInspection } from './inspect.ts'
import { judgeFormat } from './judge.ts'

const folder = mkdtempSync(join(tmpdir(), 'formats-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' })
const inspect = (bytes: Buffer, step = 65_536) => {
  const inspection = openInspection()
  for (let from = 0; from < bytes.length; from += step) inspection.write(bytes.subarray(from, from + step))
  return inspection.finish()
}
const make = (name: string, format: string, options?: string, size = '64M') => {
  qemuImg('create', '-f', format, ...(options ? ['-o', options] : []), at(name), size)
  return readFileSync(at(name))
}
const megabytes64 = 64 * 1024 * 1024

/** Bootable disks are written by hand: a boot signature and one active partition. */
const partitioned = () => {
  const disk = Buffer.alloc(1_048_576)
  disk[446] = 0x80
  disk[450] = 0x83
  disk.writeUInt16LE(0xaa55, 510)
  return disk
}
const iso9660 = () => {
  const disc = Buffer.alloc(40 * 2048)
  disc[16 * 2048] = 1
  disc.write('CD001', 16 * 2048 + 1, 'latin1')
  disc.writeUInt32LE(40, 16 * 2048 + 80)
  disc.writeUInt16LE(2048, 16 * 2048 + 128)
  return disc
}

describe('images that qemu-img makes are known by their bytes, with the size of the disk inside', () => {
  const cases: [string, string, string | undefined][] = [
    ['qcow2', 'qcow2', undefined],
    ['qcow2', 'qcow2', 'compat=0.10'],
    ['qcow2', 'qcow2', 'extended_l2=on,compression_type=zstd'],
    ['vmdk', 'vmdk', 'subformat=monolithicSparse'],
    ['vmdk', 'vmdk', 'subformat=streamOptimized'],
    ['vhd', 'vpc', 'subformat=dynamic,force_size=on'],
    ['vhdx', 'vhdx', undefined],
    ['vdi', 'vdi', undefined],
    ['vdi', 'vdi', 'static=on'],
  ]
  test.each(cases)('%s (%s %s)', (claim, format, options) => {
    const bytes = make(`good-${claim}-${options ?? 'plain'}`, format, options)
    for (const step of [65_536, 777]) {
      const inspection = inspect(bytes, step)
      expect(inspection.formats).toEqual([claim])
      expect(judgeFormat(claim, inspection)).toBe(megabytes64)
    }
  })
})

test('a streamOptimized VMDK with data passes, and is refused with its footer or its tables cut off', () => {
  writeFileSync(at('noise'), Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7919) & 255)))
  qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=streamOptimized', at('noise'), at('noise.vmdk'))
  const bytes = readFileSync(at('noise.vmdk'))
  expect(judgeFormat('vmdk', inspect(bytes))).toBe(1 << 20)
  const footed = withFooter(bytes)
  expect(judgeFormat('vmdk', inspect(footed, 1000))).toBe(1 << 20)
  expect(() => judgeFormat('vmdk', inspect(footed.subarray(0, footed.length - 700)))).toThrow('footer')
  footed.writeUInt32LE(9, footed.length - 1024 + 12)
  expect(() => judgeFormat('vmdk', inspect(footed))).toThrow('footer differs')
})

function withFooter(bytes: Buffer): Buffer {
  const header = Buffer.from(bytes.subarray(0, 512))
  const footer = Buffer.from(header)
  const marker = Buffer.alloc(512)
  marker.writeUInt32LE(1, 0)
  marker.writeUInt32LE(3, 12)
  const whole = Buffer.concat([bytes, marker, footer, Buffer.alloc(512)])
  whole.writeBigUInt64LE(0xffffffffffffffffn, 56)
  return whole
}

test('a fixed VHD is accepted as vhd by its footer, and as raw', () => {
  const bytes = make('fixed.vhd', 'vpc', 'subformat=fixed,force_size=on', '1M')
  expect(judgeFormat('vhd', inspect(bytes))).toBe(1 << 20)
  expect(judgeFormat('raw', inspect(bytes))).toBe(bytes.length)
})

test('an ISO is an ISO even when it boots as a disk, and a partitioned disk is raw', () => {
  expect(judgeFormat('iso', inspect(iso9660()))).toBe(40 * 2048)
  const hybrid = iso9660()
  partitioned().copy(hybrid, 0, 0, 512)
  expect(inspect(hybrid).formats).toEqual(['iso'])
  expect(inspect(partitioned()).formats).toEqual(['gpt'])
  expect(judgeFormat('raw', inspect(partitioned()))).toBe(1_048_576)
})

test('content that is not what it claims to be is refused, except under a raw claim', () => {
  const qcow2 = inspect(make('plain.qcow2', 'qcow2'))
  for (const claim of ['vmdk', 'vhd', 'vhdx', 'vdi', 'iso', 'ploop']) {
    expect(() => judgeFormat(claim, qcow2)).toThrow('does not match')
    expect(() => judgeFormat(claim, qcow2)).toThrow(expect.objectContaining({ status: 415 }))
  }
  expect(judgeFormat('raw', qcow2)).toBe(qcow2.size)
  expect(() => judgeFormat('qcow2', inspect(Buffer.alloc(100_000)))).toThrow('does not match')
  expect(judgeFormat('qcow2', inspect(Buffer.alloc(1000)), false)).toBeNull()
  expect(judgeFormat('ploop', inspect(Buffer.alloc(1000)))).toBeNull()
})

describe('hostile images are refused whatever they claim', () => {
  const refused = (bytes: Buffer, reason: string | RegExp, claim: string) => {
    for (const each of [claim, 'raw']) {
      expect(() => judgeFormat(each, inspect(bytes))).toThrow(reason)
      expect(() => judgeFormat(each, inspect(bytes), false)).toThrow(reason)
    }
  }

  test('a qcow2 with a backing file', () => {
    make('base.qcow2', 'qcow2')
    qemuImg('create', '-f', 'qcow2', '-b', at('base.qcow2'), '-F', 'qcow2', at('child.qcow2'))
    refused(readFileSync(at('child.qcow2')), 'backing file', 'qcow2')
  })

  test('a qcow2 with an external data file', () => {
    refused(make('outside.qcow2', 'qcow2', `data_file=${at('outside.raw')}`), 'external data file', 'qcow2')
  })

  test('a qcow2 with features nobody knows, of an unknown version, or cut off', () => {
    const bytes = make('features.qcow2', 'qcow2')
    const unknown = Buffer.from(bytes)
    unknown[72] = 1
    refused(unknown, 'unknown incompatible features', 'qcow2')
    const version = Buffer.from(bytes)
    version.writeUInt32BE(1, 4)
    refused(version, 'version 1', 'qcow2')
    refused(bytes.subarray(0, 1024), 'cut off', 'qcow2')
    refused(bytes.subarray(0, 20), 'cut off', 'qcow2')
  })

  test('a VMDK whose data is in another file', () => {
    refused(make('flat.vmdk', 'vmdk', 'subformat=monolithicFlat'), 'monolithicFlat', 'vmdk')
    refused(Buffer.from('# nothing to see\n\nversion=1\ncreateType="x"\n'), 'other files', 'vmdk')
  })

  test('a VMDK that says it is self-contained and is not', () => {
    const bytes = make('sparse.vmdk', 'vmdk', 'subformat=monolithicSparse')
    const edit = (from: string | RegExp, to: string) => {
      const copy = Buffer.from(bytes)
      const text = copy.subarray(512, 512 + 20 * 512).toString('latin1')
      const changed = text.replace(from, to)
      expect(changed).not.toBe(text)
      copy.write(changed.slice(0, text.length), 512, 'latin1')
      return copy
    }
    refused(edit('monolithicSparse', 'monolithicFlat'), 'createType monolithicFlat', 'vmdk')
    refused(edit(/SPARSE "/, 'FLAT "/etc/passwd" 0 "'), 'extent', 'vmdk')
    refused(edit(/SPARSE "/, 'SPARSE "/etc/'), 'extent', 'vmdk')
    refused(edit('parentCID', 'parentFileNameHint="/etc/passwd"\nparentCID'), 'parent', 'vmdk')
    refused(edit('createType', '#createType="monolithicSparse"\ncreateType'), 'createType once', 'vmdk')
    const empty = Buffer.from(bytes)
    empty.writeBigUInt64LE(0n, 12)
    refused(empty, 'no capacity', 'vmdk')
    const moved = Buffer.from(bytes)
    moved.writeBigUInt64LE(30n, 28)
    refused(moved, 'descriptor is not where', 'vmdk')
    refused(bytes.subarray(0, 11_000), 'cut off', 'vmdk')
  })

  test('disks with parents: differencing VHD, VHDX and VDI', () => {
    const vhd = make('diff.vhd', 'vpc', 'force_size=on')
    vhd.writeUInt32BE(4, 60)
    refused(vhd, 'type 4', 'vhd')
    const vdi = make('diff.vdi', 'vdi')
    vdi.writeUInt32LE(4, 0x4c)
    refused(vdi, 'type 4', 'vdi')
    const vhdx = make('diff.vhdx', 'vhdx')
    const parameters = vhdx.indexOf(Buffer.from('3767a1ca36fa434db3b633f0aa44e76b', 'hex'))
    const metadata = vhdx.lastIndexOf('metadata', parameters)
    vhdx.writeUInt32LE(2, metadata + vhdx.readUInt32LE(parameters + 16) + 4)
    refused(vhdx, 'parent', 'vhdx')
    truncateSync(at('diff.vhdx'), 300_000)
    refused(readFileSync(at('diff.vhdx')), 'metadata is missing', 'vhdx')
  })

  test('a QED image, and a file that bears the marks of two formats', () => {
    refused(make('old.qed', 'qed'), 'QED', 'raw')
    const both = Buffer.concat([make('both.qcow2', 'qcow2')])
    both.write('CD001', 16 * 2048 + 1, 'latin1')
    refused(both, 'ambiguous', 'qcow2')
  })
})

test('an empty stream and one of a few bytes are raw', () => {
  expect(inspect(Buffer.alloc(0)).formats).toEqual(['raw'])
  expect(judgeFormat('raw', inspect(Buffer.from('hi')))).toBe(2)
})
