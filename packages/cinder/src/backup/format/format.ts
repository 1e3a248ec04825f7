import { isoMicroseconds } from '@hearth/core'
import { DriverError } from '@hearth/driver'
import type { BackupRow } from '../../model/backups/store.ts'

/** Cinder's chunked format (cinder/backup/chunkeddriver.py): both of our documents carry this version. */
const version = '1.0.0'

/** Bytes of a hash block; chunks are whole multiples of it. */
export const blockBytes = 32_768

/** One stored object: `length` bytes of the volume from `offset`, compressed; `md5` is of the uncompressed bytes. */
export interface ObjectEntry {
  name: string
  offset: number
  length: number
  compression: string
  md5: string
}

/** The metadata of a volume that its backup contains (version 2 of upstream's volume_meta). */
export interface VolumeMeta {
  version: number
  'volume-base-metadata': Record<string, unknown>
  'volume-metadata': Record<string, string>
  'volume-glance-metadata': Record<string, string>
}

/** Name of the object that holds the metadata document of a backup with this prefix. */
export const metadataName = (prefix: string) => `${prefix}_metadata`
/** Name of the object that holds the SHA-256 hashes of the blocks of a backup with this prefix. */
export const hashesName = (prefix: string) => `${prefix}_sha256file`
/** Objects count from 1, as upstream's do. */
export const objectName = (prefix: string, number: number) => `${prefix}-${String(number).padStart(5, '0')}`

/** The `_metadata` document. */
export function writeMetadata(backup: BackupRow, objects: ObjectEntry[], volumeMeta: VolumeMeta): Uint8Array {
  const entries = objects.map(({ name, offset, length, compression, md5 }) => ({
    [name]: { compression, length, md5, offset },
  }))
  return pythonJson({
    ...heading(backup),
    objects: entries,
    parent_id: backup.parent_id,
    volume_meta: JSON.stringify(volumeMeta),
  })
}

/** The `_sha256file` document: one hash per block over the whole volume, for incremental ones too. */
export function writeHashes(backup: BackupRow, sha256s: string[]): Uint8Array {
  return pythonJson({ ...heading(backup), chunk_size: blockBytes, sha256s })
}

export interface Metadata {
  objects: ObjectEntry[]
  volumeMeta: VolumeMeta | null
}

/** Reads a `_metadata` document. Throws DriverError `invalid` for a format that is not ours. */
export function readMetadata(bytes: Uint8Array): Metadata {
  const document = parse(bytes)
  const entries = (document.objects ?? []) as Record<string, Omit<ObjectEntry, 'name'>>[]
  const objects = entries.flatMap((entry) => Object.entries(entry).map(([name, about]) => ({ ...about, name })))
  const meta = typeof document.volume_meta === 'string' ? document.volume_meta : 'null'
  return { objects, volumeMeta: JSON.parse(meta) as VolumeMeta | null }
}

/** Reads a `_sha256file` document. */
export function readHashes(bytes: Uint8Array): { blockBytes: number; sha256s: string[] } {
  const document = parse(bytes)
  return { blockBytes: Number(document.chunk_size), sha256s: document.sha256s as string[] }
}

function heading(backup: BackupRow) {
  return {
    backup_description: backup.description,
    backup_id: backup.id,
    backup_name: backup.name,
    created_at: `${isoMicroseconds(backup.created_at)!.replace('T', ' ')}+00:00`,
    version,
    volume_id: backup.volume_id,
  }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>
  if (document.version !== version) {
    throw new DriverError('invalid', `this backup has format ${document.version}, not ${version}`)
  }
  return document
}

/** JSON as upstream writes it: keys sorted, two spaces, nothing but ASCII. */
function pythonJson(document: Record<string, unknown>): Uint8Array {
  const sorted = Object.fromEntries(Object.entries(document).sort(([a], [b]) => (a < b ? -1 : 1)))
  const text = JSON.stringify(sorted, null, 2)
  return Buffer.from(text.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`))
}
