import { readFile, rename, writeFile } from 'node:fs/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Builder } from './builder.ts'
import type { Device } from './device.ts'
import { RingError } from './errors.ts'
import { problemOfDevices } from './file.ts'

interface BuilderJson {
  format: 'hearth-ring-builder-1'
  partPower: number
  replicas: number
  minPartHours: number
  overload: number
  version: number
  devices: (Device | null)[]
  removing: number[]
  movesAsOf: number
  /** Device ids of each replica: little-endian uint16, compressed with gzip, in base64. */
  assignment: string[]
  /** One byte for each partition, compressed with gzip, in base64. */
  hoursSinceMove: string
}

const pack = (bytes: Uint8Array) => gzipSync(bytes).toString('base64')
const unpack = (text: string) => gunzipSync(Buffer.from(text, 'base64'))

/** Writes the builder as JSON. Renames a complete new file, so that a crash leaves the old file or the new one. */
export async function saveBuilder(path: string, builder: Builder): Promise<void> {
  const json: BuilderJson = {
    format: 'hearth-ring-builder-1',
    partPower: builder.partPower,
    replicas: builder.replicas,
    minPartHours: builder.minPartHours,
    overload: builder.overload,
    version: builder.version,
    devices: builder.devices,
    removing: builder.removing,
    movesAsOf: builder.movesAsOf,
    assignment: builder.assignment.map((row) => pack(littleEndian(row))),
    hoursSinceMove: pack(builder.hoursSinceMove),
  }
  await writeFile(`${path}.new`, `${JSON.stringify(json, null, 1)}\n`, { flush: true })
  await rename(`${path}.new`, path)
}

/** Reads a builder file. Throws RingError when the file is missing, damaged or not a builder file. */
export async function loadBuilder(path: string): Promise<Builder> {
  let json: BuilderJson
  try {
    json = JSON.parse(await readFile(path, 'utf8')) as BuilderJson
  } catch (error) {
    throw new RingError(`cannot read the builder ${path}: ${(error as Error).message}`)
  }
  if (json?.format !== 'hearth-ring-builder-1') throw new RingError(`${path} is not a ring builder of Hearth`)
  const problem = problemOf(json)
  if (problem) throw new RingError(`the builder ${path} is damaged: ${problem}`)
  const { format: _, assignment, hoursSinceMove, ...rest } = json
  try {
    return {
      ...rest,
      assignment: assignment.map((text) => fromLittleEndian(unpack(text))),
      hoursSinceMove: new Uint8Array(unpack(hoursSinceMove)),
    }
  } catch (error) {
    throw new RingError(`the builder ${path} is damaged: ${(error as Error).message}`)
  }
}

const numbers = ['partPower', 'replicas', 'minPartHours', 'overload', 'version', 'movesAsOf'] as const

function problemOf(json: BuilderJson): string | null {
  const bad = numbers.find((name) => typeof json[name] !== 'number' || json[name] < 0)
  if (bad) return `${bad} must be a number of 0 or more`
  if (!Number.isInteger(json.partPower) || json.partPower > 32) return 'partPower must be a whole number from 0 to 32'
  if (!Array.isArray(json.removing) || !json.removing.every(Number.isInteger)) return 'removing must be a list of ids'
  const zipped = [json.assignment, [json.hoursSinceMove]]
  if (!zipped.every((list) => Array.isArray(list) && list.every((text) => typeof text === 'string')))
    return 'assignment and hoursSinceMove must be strings'
  return problemOfDevices(json.devices)
}

function littleEndian(row: Uint16Array): Buffer {
  const bytes = Buffer.alloc(row.length * 2)
  row.forEach((id, index) => {
    bytes.writeUInt16LE(id, index * 2)
  })
  return bytes
}

function fromLittleEndian(bytes: Buffer): Uint16Array {
  return Uint16Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16LE(index * 2))
}
