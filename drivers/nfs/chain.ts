import { DriverError } from '@hearth/driver'
import { type InfoFile, isLayerOf } from './info-file.ts'
import { parseQcow2, type Qcow2Header } from './qcow2.ts'

export type Format = 'raw' | 'qcow2'

/** A file of a volume as it was found. `head` is empty for what is known to be raw. */
export interface FoundFile {
  sizeBytes: number
  head: Buffer
}

/** All files of a volume, as they were found on a share. */
export interface FoundVolume {
  name: string
  files: Map<string, FoundFile>
  info: InfoFile | null
  /** Format of the file that carries the volume's name. */
  format: Format
}

/** One file of a volume's chain. */
export interface Layer {
  file: string
  format: Format
  /** Bytes that a reader sees. */
  virtualSize: number
}

/**
 * The files that make up a volume's bytes, the one that is written to first. Nothing in them may lead out of the volume:
 * throws `invalid` for a header with a backing file that is no layer of this volume, a data file of its own, or a backing
 * format that would let a guest's bytes choose how they are read. No format is ever guessed from a guest's bytes.
 */
export function chainOf(volume: FoundVolume, from: string = activeFile(volume)): Layer[] {
  const layers: Layer[] = []
  let next: { file: string; expected: string | null } | null = { file: from, expected: null }
  while (next) {
    next = addLayer(volume, layers, next)
  }
  return layers
}

/** Adds a file to the chain and answers the one below it, with the format that the file says of it. */
function addLayer(
  volume: FoundVolume,
  layers: Layer[],
  { file, expected }: { file: string; expected: string | null },
): { file: string; expected: string } | null {
  if (layers.some((layer) => layer.file === file)) throw refuse(file, 'is its own backing file')
  const found = volume.files.get(file)
  if (!found) throw refuse(file, 'is not there though the volume is made of it')
  const format: Format = file === volume.name ? volume.format : 'qcow2'
  if (expected !== null && expected !== format) {
    throw refuse(layers.at(-1)!.file, `says ${JSON.stringify(expected)} of ${file}, which is ${format}`)
  }
  const header = format === 'raw' ? null : checkedHeader(volume.name, file, found.head)
  layers.push({ file, format, virtualSize: header?.virtualSize ?? found.sizeBytes })
  return header?.backingFile ? { file: header.backingFile, expected: header.backingFormat ?? '' } : null
}

/** The file that is written to. */
export function activeFile(volume: FoundVolume): string {
  return volume.info?.active ?? volume.name
}

export function exists(volume: FoundVolume): boolean {
  return volume.files.has(activeFile(volume))
}

function checkedHeader(volume: string, file: string, head: Buffer): Qcow2Header {
  const header = parseQcow2(file, head)
  if (!header) throw refuse(file, 'is not qcow2')
  if (header.externalData) throw refuse(file, 'keeps its bytes in another file')
  if (header.backingFile !== null && !isLayerOf(volume, header.backingFile)) {
    throw refuse(file, `has the backing file ${JSON.stringify(header.backingFile)}, which is no file of ${volume}`)
  }
  if (file === volume && header.backingFile !== null) throw refuse(file, 'has a backing file')
  return header
}

function refuse(file: string, why: string): DriverError {
  return new DriverError('invalid', `${file} ${why}: it was changed past this service and is not used`)
}
