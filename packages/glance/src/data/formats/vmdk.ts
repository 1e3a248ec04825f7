import type { Capture, Region } from './capture.ts'
import { type Format, safeNumber, type Verdict } from './format.ts'

const sector = 512
const descriptorLimit = 1024 * 1024
/** Grain directory offset that means: see the footer. */
const atEnd = 0xffffffffffffffffn
const footerMarker = 3

/** Create types that are one self-contained file; the others name files elsewhere (CVE-2022-47951). */
export const defaultVmdkTypes = ['streamOptimized', 'monolithicSparse']

/**
 * VMDK: a sparse extent with its descriptor inside, or a bare text descriptor, by VMware's Virtual Disk Format 1.1 and
 * by how qemu's block/vmdk.c reads it (descriptor always in sector 1, zero capacity = another descriptor file).
 */
export function vmdk(allowedTypes: readonly string[]): Format {
  return {
    name: 'vmdk',
    open(capture) {
      const header = capture.want(0, sector)
      let descriptor: Region | undefined
      return {
        advance() {
          if (descriptor || !header.complete || kindOf(header.data) !== 'sparse') return
          const length = safeNumber(header.data.readBigUInt64LE(36)) * sector
          descriptor = capture.want(sector, Math.min(length, descriptorLimit))
        },
        finish() {
          const kind = kindOf(header.data)
          if (kind === null) return null
          if (kind === 'text') return textVerdict(header.data)
          if (kind === 'other') return { virtualSize: null, problems: ['this kind of VMDK extent is not allowed'] }
          if (!descriptor?.complete) return { virtualSize: null, problems: ['the VMDK header is cut off'] }
          return sparseVerdict(header.data, descriptor.data, capture, allowedTypes)
        },
      }
    },
  }
}

function kindOf(header: Buffer): 'sparse' | 'other' | 'text' | null {
  const magic = header.subarray(0, 4).toString('latin1')
  if (magic === 'KDMV') return 'sparse'
  if (magic === 'COWD') return 'other'
  const text = header.toString('latin1')
  if (/^\s*#\s*disk descriptorfile/i.test(text)) return 'text'
  const line = text.split('\n').find((each) => !each.startsWith('#') && each.trim() !== '')
  return line && /^version=\d+\r?$/.test(line) ? 'text' : null
}

function textVerdict(header: Buffer): Verdict {
  const type = /createType\s*=\s*"([^"]*)"/.exec(header.toString('latin1'))?.[1] ?? 'unknown'
  return { virtualSize: null, problems: [`the VMDK is a bare descriptor (${type}) whose data is in other files`] }
}

function sparseVerdict(header: Buffer, descriptor: Buffer, capture: Capture, allowedTypes: readonly string[]): Verdict {
  const problems = [...descriptorProblems(descriptor, allowedTypes)]
  const capacity = header.readBigUInt64LE(12)
  if (capacity === 0n) problems.push('the VMDK has no capacity of its own')
  if (header.readBigUInt64LE(28) !== 1n) problems.push('the VMDK descriptor is not where readers look for it')
  const directory = header.readBigUInt64LE(56)
  if (directory === atEnd) problems.push(...footerProblems(header, capture.tail))
  else if (safeNumber(directory) * sector >= capture.total) {
    problems.push('the image is cut off: its grain directory lies past its end')
  }
  return { virtualSize: safeNumber(capacity) * sector, problems }
}

function* descriptorProblems(descriptor: Buffer, allowedTypes: readonly string[]): Generator<string> {
  const text = descriptor.toString('latin1').split('\0')[0] ?? ''
  const types = [...text.matchAll(/createType\s*=\s*"?([^"\r\n]*)"?/g)].map((match) => match[1])
  if (types.length !== 1) yield 'the VMDK descriptor must state its createType once'
  for (const type of types) {
    if (!allowedTypes.includes(type ?? '')) yield `VMDK createType ${type} is not allowed`
  }
  if (/parentFileNameHint/i.test(text)) yield 'the image has a parent'
  const extents = text.split(/\r?\n/).filter((line) => /^\s*(RW|RDONLY|NOACCESS)\b/i.test(line))
  if (extents.length !== 1) yield 'the VMDK must have exactly one extent, itself'
  for (const extent of extents) {
    const match = /^\s*(?:RW|RDONLY|NOACCESS)\s+\d+\s+(\w+)\s+"([^"]*)"\s*$/i.exec(extent)
    if (match?.[1]?.toUpperCase() !== 'SPARSE' || /[/\\:]/.test(match[2] ?? '')) {
      yield 'the VMDK has an extent that may be elsewhere'
    }
  }
}

/** The last three sectors are footer marker, a copy of the header with the true directory, end-of-stream marker. */
function* footerProblems(header: Buffer, tail: Buffer): Generator<string> {
  if (tail.length < 3 * sector || tail.readUInt32LE(tail.length - 3 * sector + 12) !== footerMarker) {
    yield 'the image is cut off: its footer is missing'
    return
  }
  const footer = tail.subarray(tail.length - 2 * sector, tail.length - sector)
  const same = footer.subarray(0, 56).equals(header.subarray(0, 56))
  if (!same) yield 'the VMDK footer differs from the header'
  if (footer.readBigUInt64LE(56) === atEnd) yield 'the VMDK footer has no grain directory'
}
