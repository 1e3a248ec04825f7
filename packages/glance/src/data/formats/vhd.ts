import { type Format, safeNumber } from './format.ts'

const cookie = 'conectix'
const types: Record<number, string> = { 2: 'fixed', 3: 'dynamic' }

/**
 * VHD (qemu's vpc), by Microsoft's Virtual Hard Disk specification. A dynamic disk carries a copy of its footer at the
 * start; a fixed one has only the footer, which is no reason to take an image claimed raw for a VHD.
 */
export const vhd: Format = {
  name: 'vhd',
  open(capture) {
    const region = capture.want(0, 512)
    return {
      finish() {
        if (region.data.subarray(0, 8).toString('latin1') !== cookie) return null
        if (!region.complete) return { virtualSize: null, problems: ['the VHD header is cut off'] }
        return readFooter(region.data)
      },
    }
  },
}

/** The verdict on a fixed VHD from the last bytes of a stream; null when they are no VHD footer. */
export function fixedVhd(tail: Buffer) {
  const footer = tail.subarray(tail.length - 512)
  if (tail.length < 512 || footer.subarray(0, 8).toString('latin1') !== cookie) return null
  return readFooter(footer)
}

function readFooter(footer: Buffer) {
  const type = footer.readUInt32BE(60)
  const problems = types[type] ? [] : [`a VHD of type ${type} is not allowed: only fixed and dynamic disks stand alone`]
  return { virtualSize: safeNumber(footer.readBigUInt64BE(48)), problems }
}
