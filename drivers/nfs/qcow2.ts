import { DriverError } from '@hearth/driver'

/** Fields of a qcow2 header. Layout: qemu's docs/interop/qcow2.txt. */
export interface Qcow2Header {
  /** Bytes that a guest sees. */
  virtualSize: number
  /** Backing file exactly as the header names it; null without one. */
  backingFile: string | null
  backingFormat: string | null
  /** True when the guest's bytes are in another file. */
  externalData: boolean
}

/** Number of first bytes to read of a file: qemu-img writes every field that is used here within them. */
export const headerBytes = 4096

const magic = 0x514649fb
const externalDataBit = 1n << 2n
const extensions = { end: 0, backingFormat: 0xe2792aca, dataFile: 0x44415441 }

/** Returns null for a file that is not qcow2. Throws `invalid` when the header does not end within `bytes`. */
export function parseQcow2(name: string, bytes: Buffer): Qcow2Header | null {
  if (bytes.length < 72 || bytes.readUInt32BE(0) !== magic) return null
  const broken = (why: string) => new DriverError('invalid', `${name} has a qcow2 header that ${why}: it is not used`)
  const version = bytes.readUInt32BE(4)
  if (version !== 2 && version !== 3) throw broken(`has version ${version}`)
  const [offset, length] = [Number(bytes.readBigUInt64BE(8)), bytes.readUInt32BE(16)]
  if (offset + length > bytes.length) throw broken(`keeps its backing file's name beyond byte ${bytes.length}`)
  const size = version === 2 ? 72 : bytes.readUInt32BE(100)
  if (size < 72 || size > bytes.length) throw broken(`claims ${size} bytes`)
  const header: Qcow2Header = {
    virtualSize: Number(bytes.readBigUInt64BE(24)),
    backingFile: offset === 0 ? null : bytes.toString('utf8', offset, offset + length),
    backingFormat: null,
    externalData: version === 3 && (bytes.readBigUInt64BE(72) & externalDataBit) !== 0n,
  }
  // The extensions end at the latest where the backing file's name begins.
  const area = bytes.subarray(0, offset === 0 ? bytes.length : offset)
  if (!readExtensions(header, area, size)) throw broken('has extensions without an end')
  return header
}

/** Reads the header extensions. Returns false when they do not end within `bytes`. */
function readExtensions(header: Qcow2Header, bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; ) {
    if (at + 8 > bytes.length) return false
    const [type, length] = [bytes.readUInt32BE(at), bytes.readUInt32BE(at + 4)]
    if (type === extensions.end) return true
    if (at + 8 + length > bytes.length) return false
    if (type === extensions.backingFormat) header.backingFormat = bytes.toString('utf8', at + 8, at + 8 + length)
    if (type === extensions.dataFile) header.externalData = true
    at += 8 + Math.ceil(length / 8) * 8
  }
  return true
}
