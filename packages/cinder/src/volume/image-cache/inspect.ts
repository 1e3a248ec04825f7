import { open } from 'node:fs/promises'
import { own } from '@hearth/core'
import { DriverError } from '@hearth/driver'

/** disk_format → qemu's name of the format. Formats without a structure of their own are `raw`. */
const qemuFormats: Record<string, string> = {
  raw: 'raw',
  iso: 'raw',
  ami: 'raw',
  aki: 'raw',
  ari: 'raw',
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
  ploop: 'parallels',
}

/** Returns qemu's name of a disk_format. Throws DriverError `invalid` for formats that cannot become volumes. */
export function qemuFormat(diskFormat: string): string {
  const format = own(qemuFormats, diskFormat)
  if (!format) throw new DriverError('invalid', `images of format ${diskFormat} cannot become volumes`)
  return format
}

/** Types of VMDKs that consist of one file (cinder's `vmdk_allowed_types`); all others refer to files of this host. */
const allowedVmdks = ['streamOptimized', 'monolithicSparse']
const headBytes = 64 * 1024

/**
 * Inspects a downloaded image before qemu-img opens it: its bytes must be of the given format, and it must not refer to
 * another file (CVE-2015-1851, CVE-2022-47951, CVE-2024-32498). Throws DriverError `invalid`.
 */
export async function inspectImage(path: string, format: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    const head = Buffer.alloc(headBytes)
    const { bytesRead } = await file.read(head, 0, headBytes, 0)
    const { size } = await file.stat()
    const tail = Buffer.alloc(Math.min(512, size))
    await file.read(tail, 0, tail.length, size - tail.length)
    checkHead(head.subarray(0, bytesRead), tail, format)
  } finally {
    await file.close()
  }
}

/**
 * Throws DriverError `invalid` unless the first and last bytes of an image show the given format and refer to no other
 * file.
 */
export function checkHead(head: Buffer, tail: Buffer, format: string): void {
  const found = detectFormat(head, tail)
  if (found !== format) refuse(`its bytes are ${found ?? 'raw'}, not ${format}`)
  if (format === 'qcow2') checkQcow2(head)
  if (format === 'vmdk') checkVmdk(head)
}

function refuse(reason: string): never {
  throw new DriverError('invalid', `the image is refused: ${reason}`)
}

/** Returns qemu's name of the format that the first and last bytes of an image show; `raw` if they show none. */
export function detectFormat(head: Buffer, tail: Buffer): string {
  const text = (from: number, to: number): string => head.subarray(from, to).toString('latin1')
  if (text(0, 4) === 'QFI\u00fb') return 'qcow2'
  if (text(0, 4) === 'KDMV' || /^# Disk DescriptorFile/.test(text(0, 64))) return 'vmdk'
  if (text(0, 8) === 'vhdxfile') return 'vhdx'
  if (text(0, 8) === 'conectix' || tail.subarray(0, 8).toString('latin1') === 'conectix') return 'vpc'
  if (head.length >= 0x44 && head.readUInt32LE(0x40) === 0xbeda107f) return 'vdi'
  if (text(0, 16) === 'WithoutFreeSpace' || text(0, 16) === 'WithouFreSpacExt') return 'parallels'
  return 'raw'
}

function checkQcow2(head: Buffer): void {
  if (head.length < 72) refuse('its header is cut off')
  if (head.readBigUInt64BE(8) !== 0n) refuse('it has a backing file')
  const version = head.readUInt32BE(4)
  const dataFileBit = 4n
  if (version >= 3 && (head.readBigUInt64BE(72) & dataFileBit) !== 0n) refuse('it has an external data file')
}

function checkVmdk(head: Buffer): void {
  if (head.subarray(0, 4).toString('latin1') !== 'KDMV') refuse('it is a bare VMDK descriptor')
  const sector = 512
  const offset = Number(head.readBigUInt64LE(28)) * sector
  const size = Number(head.readBigUInt64LE(36)) * sector
  if (offset <= 0 || offset + size > head.length) refuse('its VMDK descriptor is not at the beginning')
  const descriptor = head.subarray(offset, offset + size).toString('latin1')
  const type = /^\s*createType\s*=\s*"([^"]*)"/m.exec(descriptor)?.[1]
  if (!type || !allowedVmdks.includes(type)) refuse(`VMDKs of type ${type ?? 'unknown'} are not allowed`)
  const extents = descriptor.match(/^\s*(RW|RDONLY|NOACCESS)\b.*$/gm) ?? []
  if (extents.length !== 1 || !/\bSPARSE\s+"[^"/\\]*"\s*$/.test(extents[0]!))
    refuse('its VMDK extents refer to other files')
}
