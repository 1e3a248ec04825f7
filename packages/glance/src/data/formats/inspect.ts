import { setOwn } from '@hearth/core'
import { openCapture } from './capture.ts'
import type { Format, Verdict } from './format.ts'
import { gpt } from './gpt.ts'
import { iso } from './iso.ts'
import { qcow2 } from './qcow2.ts'
import { qed } from './qed.ts'
import { vdi } from './vdi.ts'
import { fixedVhd, vhd } from './vhd.ts'
import { vhdx } from './vhdx.ts'
import { defaultVmdkTypes, vmdk } from './vmdk.ts'

export interface Inspection {
  /** Formats whose marks the stream bears, `raw` for none of them. Several names mean a file made to be ambiguous. */
  formats: string[]
  /** The verdict of each of them. */
  verdicts: Record<string, Verdict>
  /** Bytes seen. */
  size: number
  /** Findings of the trailing footer, when the stream could be a fixed VHD. */
  fixedVhd: Verdict | null
}

interface OpenInspection {
  write(chunk: Buffer): void
  finish(): Inspection
}

/** Inspects a stream as it passes and returns its format. Does not seek; holds at most about 1.2 MiB. */
export function openInspection(vmdkTypes: readonly string[] = defaultVmdkTypes): OpenInspection {
  const capture = openCapture()
  const formats: Format[] = [qcow2, vmdk(vmdkTypes), vhd, vhdx, vdi, qed, iso, gpt]
  const inspectors = formats.map((format) => ({ name: format.name, inspector: format.open(capture) }))
  return {
    write(chunk) {
      const hungry = capture.hungry
      capture.write(chunk)
      if (!hungry) return
      for (const { inspector } of inspectors) inspector.advance?.()
    },
    finish() {
      const verdicts: Record<string, Verdict> = {}
      for (const { name, inspector } of inspectors) {
        const verdict = inspector.finish()
        if (verdict) setOwn(verdicts, name, verdict)
      }
      // A bootable ISO carries a partition table as well.
      if (verdicts.iso && verdicts.gpt) delete verdicts.gpt
      const names = Object.keys(verdicts)
      if (names.length === 0) verdicts.raw = { virtualSize: capture.total, problems: [] }
      return {
        formats: Object.keys(verdicts),
        verdicts,
        size: capture.total,
        fixedVhd: fixedVhd(capture.tail),
      }
    },
  }
}
