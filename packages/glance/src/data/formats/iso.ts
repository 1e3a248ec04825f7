import type { Format } from './format.ts'

const descriptorOffset = 16 * 2048

/** ISO 9660 (ECMA-119): the first volume descriptor is in sector 16, after the system area. */
export const iso: Format = {
  name: 'iso',
  open(capture) {
    const region = capture.want(descriptorOffset, 2048)
    return {
      finish() {
        const descriptor = region.data
        if (descriptor.subarray(1, 6).toString('latin1') !== 'CD001') return null
        if (!region.complete) return { virtualSize: null, problems: ['the ISO 9660 descriptor is cut off'] }
        const primary = descriptor[0] === 1
        const size = descriptor.readUInt32LE(80) * descriptor.readUInt16LE(128)
        return { virtualSize: primary ? size : null, problems: [] }
      },
    }
  },
}
