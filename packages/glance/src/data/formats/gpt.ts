import type { Format } from './format.ts'

/**
 * A disk with a partition table (MBR, or the protective one of a GPT). It is raw data, and known apart only because a
 * bootable ISO is one as well: a boot sector whose entries are not sane partitions (FAT, for one) is plain raw.
 */
export const gpt: Format = {
  name: 'gpt',
  open(capture) {
    const region = capture.want(0, 512)
    return {
      finish() {
        const sector = region.data
        if (!region.complete || sector.readUInt16LE(510) !== 0xaa55) return null
        const entries = [446, 462, 478, 494].map((at) => ({ boot: sector[at], type: sector[at + 4] }))
        const sane = entries.every((entry) => entry.boot === 0 || entry.boot === 0x80)
        if (!sane || entries.every((entry) => entry.type === 0)) return null
        return { virtualSize: capture.total, problems: [] }
      },
    }
  },
}
