import type { Format } from './format.ts'

/** qemu's retired QED: recognised so that it cannot pass as raw and be opened by a probing tool; never allowed. */
export const qed: Format = {
  name: 'qed',
  open(capture) {
    const region = capture.want(0, 4)
    return {
      finish() {
        if (region.data.toString('latin1') !== 'QED\0') return null
        return { virtualSize: null, problems: ['the QED format is not allowed'] }
      },
    }
  },
}
