import { DriverError } from '@hearth/driver'
import { type InfoFile, isLayerOf } from './info-file.ts'
import { parseQcow2, type Qcow2Header } from './qcow2.ts'

export type Format = 'raw' | 'qcow2'

/** A file of a volume as it was found. `head` has its first bytes, and is empty for a file that is known to be raw. */
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
 * Returns the layers that make up a volume's bytes, the active file first. No header may refer to anything outside of
 * the volume: throws `invalid` for a backing file that is no layer of this volume, for a separate data file, and for a
 * backing format that would let a guest's bytes choose how they are read. No format is ever guessed from a guest's
 * bytes.
 */
export function chainOf(volume: FoundVolume, from: string = activeFile(volume)): Layer[] {
  const layers: Layer[] = []
  let next: { file: string; expected: string | null } | null = { file: from, expected: null }
  while (next) {
    next = addLayer(volume, layers, next)
  }
  return layers
}

/** Adds a file to the chain. Returns its backing file with the format that its header states; null at the end. */
function addLayer(
  volume: FoundVolume,
  layers: Layer[],
  { file, expected }: { file: string; expected: string | null },
): { file: string; expected: string } | null {
  if (layers.some((layer) => layer.file === file)) throw refusal(file, 'is its own backing file')
  const found = volume.files.get(file)
  if (!found) throw refusal(file, 'is missing, but is a layer of the volume')
  const format: Format = file === volume.name ? volume.format : 'qcow2'
  if (expected !== null && expected !== format) {
    throw refusal(layers.at(-1)!.file, `states the format ${JSON.stringify(expected)} for ${file}, which is ${format}`)
  }
  const header = format === 'raw' ? null : checkedHeader(volume.name, file, found.head)
  layers.push({ file, format, virtualSize: header?.virtualSize ?? found.sizeBytes })
  return header?.backingFile ? { file: header.backingFile, expected: header.backingFormat ?? '' } : null
}

/** Name of the active file: the one that receives writes. */
export function activeFile(volume: FoundVolume): string {
  return volume.info?.active ?? volume.name
}

/** True when the volume's active file exists. */
export function exists(volume: FoundVolume): boolean {
  return volume.files.has(activeFile(volume))
}

function checkedHeader(volume: string, file: string, head: Buffer): Qcow2Header {
  const header = parseQcow2(file, head)
  if (!header) throw refusal(file, 'is not qcow2')
  if (header.externalData) throw refusal(file, 'keeps its bytes in another file')
  if (header.backingFile !== null && !isLayerOf(volume, header.backingFile)) {
    throw refusal(file, `has the backing file ${JSON.stringify(header.backingFile)}, which is no file of ${volume}`)
  }
  if (file === volume && header.backingFile !== null) throw refusal(file, 'has a backing file')
  return header
}

function refusal(file: string, why: string): DriverError {
  return new DriverError('invalid', `${file} ${why}: another program has changed it, so it is not used`)
}
