import { readFile, rename, writeFile } from 'node:fs/promises'
import { constants, crc32, deflateRawSync, gunzipSync } from 'node:zlib'
import type { Device } from './device.ts'
import { RingError } from './errors.ts'
import type { RingData } from './ring.ts'

const magic = Buffer.from('R1NG\u0000\u0001', 'latin1')
/** Modification time that Swift writes into every ring file, so that equal rings give equal files. */
const fixedTime = 1300507380

/** Reads a version 1 ring file. Throws RingError when the file is missing, damaged or not such a file. */
export async function readRing(path: string): Promise<RingData> {
  let plain: Buffer
  try {
    plain = gunzipSync(await readFile(path))
  } catch (error) {
    throw new RingError(`cannot read the ring ${path}: ${(error as Error).message}`)
  }
  return decodeRing(plain, path)
}

interface Header {
  byteorder?: string
  devs: (Device | null)[]
  part_shift: number
  replica_count: number
  version?: number
  next_part_power?: number
}

/**
 * Decodes the decompressed bytes of a ring file. `name` is used in messages. Throws RingError when they are damaged.
 */
function decodeRing(plain: Buffer, name = 'ring'): RingData {
  if (!plain.subarray(0, 6).equals(magic)) {
    const found = plain.subarray(0, 4).toString('latin1') === 'R1NG' ? `version ${plain.readUInt16BE(4)}` : 'no ring'
    throw new RingError(`${name} is not a version 1 ring file (found ${found})`)
  }
  const length = plain.length < 10 ? 0 : plain.readUInt32BE(6)
  const header = readHeader(plain.subarray(10, 10 + length).toString('latin1'), name)
  const swap = (header.byteorder ?? 'little') !== 'little'
  const partitions = 2 ** (32 - header.part_shift)
  const replicas: Uint16Array[] = []
  let at = 10 + length
  for (let replica = 0; replica < header.replica_count; replica++) {
    const bytes = Buffer.from(plain.subarray(at, at + partitions * 2))
    if (swap) bytes.swap16()
    const row = new Uint16Array(bytes.length >> 1)
    for (let index = 0; index < row.length; index++) row[index] = bytes.readUInt16LE(index * 2)
    replicas.push(row)
    at += bytes.length
    if (row.length < partitions && replica < header.replica_count - 1)
      throw new RingError(`${name} is cut short: replica ${replica} has ${row.length} of ${partitions} partitions`)
  }
  const devices = header.devs.map((device) => (device ? withReplication(device) : null))
  return {
    devices,
    partShift: header.part_shift,
    replicas,
    ...(header.version === undefined ? {} : { version: header.version }),
    ...(header.next_part_power === undefined ? {} : { nextPartPower: header.next_part_power }),
  }
}

/** Throws RingError with the field that is missing or has the wrong type. */
function readHeader(text: string, name: string): Header {
  let header: Header
  try {
    header = JSON.parse(text) as Header
  } catch (error) {
    throw new RingError(`the header of ${name} is no JSON: ${(error as Error).message}`)
  }
  const problem = problemOf(header)
  if (problem) throw new RingError(`the header of ${name} is damaged: ${problem}`)
  return header
}

function problemOf(header: Header): string | null {
  if (typeof header !== 'object' || header === null) return 'it is no object'
  const { devs, part_shift: shift, replica_count: replicas } = header
  if (!Number.isInteger(shift) || shift < 0 || shift > 32) return 'part_shift must be a whole number from 0 to 32'
  if (!Number.isInteger(replicas) || replicas < 0 || replicas > 65_535) return 'replica_count must be a whole number'
  return problemOfDevices(devs)
}

/** Returns the first problem of a list of devices that was read from a file; null when the list is valid. */
export function problemOfDevices(devices: unknown): string | null {
  if (!Array.isArray(devices)) return 'its devices are no list'
  for (const [id, device] of devices.entries()) {
    if (device === null) continue
    if (typeof device !== 'object') return `device ${id} is no object`
    const { ip, port, device: disk, weight } = device as Record<string, unknown>
    if (typeof ip !== 'string' || typeof disk !== 'string') return `device ${id} has no ip or no device name`
    if (!Number.isInteger(port) || typeof weight !== 'number') return `device ${id} has no port or no weight`
  }
  return null
}

function withReplication(device: Device): Device {
  return {
    ...device,
    replication_ip: device.replication_ip ?? device.ip,
    replication_port: device.replication_port ?? device.port,
  }
}

/** Returns the bytes of a version 1 ring file; equal rings give equal bytes. Throws RingError above 65535 devices. */
export function encodeRing(data: RingData): Buffer {
  if (data.devices.length > 65535) throw new RingError(`${data.devices.length} devices: a version 1 ring holds 65535`)
  const header = sortedJson({
    byteorder: 'little',
    devs: data.devices,
    part_shift: data.partShift,
    replica_count: data.replicas.length,
    ...(data.version === undefined ? {} : { version: data.version }),
    ...(data.nextPartPower === undefined ? {} : { next_part_power: data.nextPartPower }),
  })
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.length)
  const rows = data.replicas.map((row) => {
    const bytes = Buffer.alloc(row.length * 2)
    row.forEach((id, index) => {
      bytes.writeUInt16LE(id, index * 2)
    })
    return bytes
  })
  return gzip(Buffer.concat([magic, length, Buffer.from(header, 'latin1'), ...rows]))
}

/** Writes a temporary file and renames it to `path`, so that readers never see an incomplete ring. */
export async function writeRing(path: string, data: RingData): Promise<void> {
  const temporary = `${path}.new`
  await writeFile(temporary, encodeRing(data), { flush: true })
  await rename(temporary, path)
}

function gzip(plain: Buffer): Buffer {
  const head = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255])
  head.writeUInt32LE(fixedTime, 4)
  const tail = Buffer.alloc(8)
  tail.writeUInt32LE(crc32(plain), 0)
  tail.writeUInt32LE(plain.length % 2 ** 32, 4)
  return Buffer.concat([head, deflateRawSync(plain, { level: constants.Z_BEST_COMPRESSION }), tail])
}

/** Returns the value as JSON in ASCII with sorted keys. */
function sortedJson(value: unknown): string {
  const sorted = JSON.stringify(value, (_key, member: unknown) =>
    member && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  )
  return sorted.replace(/[\u0080-\uffff]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
