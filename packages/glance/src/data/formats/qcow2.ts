import { type Format, safeNumber } from './format.ts'

const magic = 0x514649fb
/** dirty, corrupt, external data file, compression type, extended L2: all that qemu's qcow2 document knows. */
const knownFeatures = 0b11111n
const dataFileFeature = 0b00100n

/**
 * qcow2, by qemu's docs/interop/qcow2.txt. Refuses a file that refers to other files (CVE-2015-5163, CVE-2024-32498).
 */
export const qcow2: Format = {
  name: 'qcow2',
  open(capture) {
    const region = capture.want(0, 112)
    return {
      finish() {
        const header = region.data
        if (header.length < 4 || header.readUInt32BE(0) !== magic) return null
        if (header.length < 72) return { virtualSize: null, problems: ['the qcow2 header is cut off'] }
        return { virtualSize: safeNumber(header.readBigUInt64BE(24)), problems: problemsOf(header, capture.total) }
      },
    }
  },
}

function problemsOf(header: Buffer, total: number): string[] {
  const problems: string[] = []
  const version = header.readUInt32BE(4)
  if (version !== 2 && version !== 3) problems.push(`qcow version ${version} is not allowed`)
  if (header.readBigUInt64BE(8) !== 0n) problems.push('the image has a backing file')
  const features = version >= 3 && header.length >= 80 ? header.readBigUInt64BE(72) : 0n
  if ((features & dataFileFeature) !== 0n) problems.push('the image has an external data file')
  if ((features & ~knownFeatures) !== 0n) problems.push('the image has unknown incompatible features')
  const tables = [safeNumber(header.readBigUInt64BE(40)), safeNumber(header.readBigUInt64BE(48))]
  if (tables.some((offset) => offset >= total)) problems.push('the image is cut off: its tables lie past its end')
  return problems
}
