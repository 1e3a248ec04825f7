import { type Format, safeNumber } from './format.ts'

const signature = 0xbeda107f
const types: Record<number, string> = { 1: 'dynamic', 2: 'static' }

/** VirtualBox's VDI, header as in qemu's block/vdi.c. Undo and differencing images need a parent and are refused. */
export const vdi: Format = {
  name: 'vdi',
  open(capture) {
    const region = capture.want(0, 512)
    return {
      finish() {
        const header = region.data
        if (header.length < 0x44 || header.readUInt32LE(0x40) !== signature) return null
        if (!region.complete) return { virtualSize: null, problems: ['the VDI header is cut off'] }
        const type = header.readUInt32LE(0x4c)
        return {
          virtualSize: safeNumber(header.readBigUInt64LE(0x170)),
          problems: types[type] ? [] : [`a VDI of type ${type} is not allowed`],
        }
      },
    }
  },
}
