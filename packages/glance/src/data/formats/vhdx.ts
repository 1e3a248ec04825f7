import type { Capture, Region } from './capture.ts'
import { type Format, guidAt, safeNumber, type Verdict } from './format.ts'

const regionTableOffset = 192 * 1024
const tableLength = 64 * 1024
const metadataRegion = '8b7ca206-4790-4b9a-b8fe-575f050f886e'
const items = {
  fileParameters: 'caa16737-fa36-4d43-b3b6-33f0aa44e76b',
  virtualDiskSize: '2fa54224-cd1b-4876-b211-5dbed83bf4b8',
  parentLocator: 'a8d35f2d-b30b-454d-abf7-d3d84834ab0c',
}
const hasParent = 0b10

interface Found {
  metadataOffset: number
  table: Region
  fileParameters?: Region
  virtualDiskSize?: Region
  parentLocator: boolean
}

/** VHDX, by Microsoft's [MS-VHDX]: header → region table → metadata table → the items that tell size and parent. */
export const vhdx: Format = {
  name: 'vhdx',
  open(capture) {
    const signature = capture.want(0, 8)
    let regionTable: Region | undefined
    let found: Found | undefined
    let read = false
    const isVhdx = () => signature.data.toString('latin1') === 'vhdxfile'
    return {
      advance() {
        if (!isVhdx()) return
        regionTable ??= capture.want(regionTableOffset, tableLength)
        if (!found && regionTable.complete) found = findMetadata(regionTable.data, capture)
        if (found?.table.complete && !read) {
          read = true
          readTable(found, capture)
        }
      },
      finish: () => (isVhdx() ? verdict(found) : null),
    }
  },
}

function findMetadata(table: Buffer, capture: Capture): Found | undefined {
  if (table.subarray(0, 4).toString('latin1') !== 'regi') return undefined
  const count = Math.min(table.readUInt32LE(8), 2047)
  for (let at = 16; at < 16 + count * 32; at += 32) {
    if (guidAt(table, at) !== metadataRegion) continue
    const metadataOffset = safeNumber(table.readBigUInt64LE(at + 16))
    return { metadataOffset, table: capture.want(metadataOffset, tableLength), parentLocator: false }
  }
  return undefined
}

function readTable(found: Found, capture: Capture) {
  const table = found.table.data
  if (table.subarray(0, 8).toString('latin1') !== 'metadata') return
  const count = Math.min(table.readUInt16LE(10), 2047)
  for (let at = 32; at < 32 + count * 32; at += 32) {
    const id = guidAt(table, at)
    const offset = found.metadataOffset + table.readUInt32LE(at + 16)
    if (id === items.fileParameters) found.fileParameters = capture.want(offset, 8)
    if (id === items.virtualDiskSize) found.virtualDiskSize = capture.want(offset, 8)
    if (id === items.parentLocator) found.parentLocator = true
  }
}

function verdict(found: Found | undefined): Verdict {
  const size = found?.virtualDiskSize
  const parameters = found?.fileParameters
  if (!found || !size?.complete || !parameters?.complete) {
    return { virtualSize: null, problems: ['the VHDX metadata is missing, cut off or out of order'] }
  }
  const differencing = found.parentLocator || (parameters.data.readUInt32LE(4) & hasParent) !== 0
  return {
    virtualSize: safeNumber(size.data.readBigUInt64LE(0)),
    problems: differencing ? ['the image has a parent'] : [],
  }
}
