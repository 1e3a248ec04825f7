import { own } from '@hearth/core'
import { glanceErrors } from '../../model/errors.ts'
import type { Inspection } from './inspect.ts'

/** Claims that an inspector can confirm. */
const inspectable = new Set(['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'iso'])

/**
 * Decides whether bytes may be stored under the disk format they claim; returns the virtual size in bytes (null when
 * unknown). The safety check of the format found runs whatever the claim (CVE-2024-32498); a raw claim takes anything
 * that passes it; a claim no inspector knows must look raw. Throws InvalidImageData (415).
 * Rules: glance/location.py and oslo.utils' format inspector.
 */
export function judgeFormat(claim: string, inspection: Inspection, requireMatch = true): number | null {
  const { formats, verdicts } = inspection
  // Nova activates the image of a volume-backed server by an empty upload, whatever format it claims.
  if (inspection.size === 0) return claim === 'raw' ? 0 : null
  if (formats.length > 1) {
    throw glanceErrors.InvalidImageData({ reason: `the content is ambiguous: ${formats.join(', ')}` })
  }
  const detected = formats[0] ?? 'raw'
  const verdict = own(verdicts, detected)
  const problem = verdict?.problems[0]
  if (problem) throw glanceErrors.InvalidImageData({ reason: `format ${detected} failed the safety check: ${problem}` })
  if (claim === 'raw') return inspection.size
  if (claim === detected) return verdict?.virtualSize ?? null
  const plain = detected === 'raw' || detected === 'gpt'
  if (claim === 'vhd' && plain && inspection.fixedVhd) {
    const reason = inspection.fixedVhd.problems[0]
    if (reason) throw glanceErrors.InvalidImageData({ reason })
    return inspection.fixedVhd.virtualSize
  }
  if (!inspectable.has(claim) && plain) return null
  if (!requireMatch) return null
  throw glanceErrors.InvalidImageData({ reason: `the content is ${detected} and does not match disk_format ${claim}` })
}
