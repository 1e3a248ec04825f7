import { DriverError } from '@hearth/driver'

/**
 * Content of `volume-<id>.info`: the active file, and for each snapshot the overlay that was made when it was taken.
 * The snapshot's own bytes are in the layer below that overlay.
 */
export interface InfoFile {
  active: string
  overlays: Map<string, string>
}

const volumeName = /^volume-[A-Za-z0-9][\w-]{0,180}$/
const snapshotName = /^snapshot-([A-Za-z0-9][\w-]{0,40})$/
/** Suffixes that no overlay may have: they have another meaning. */
const reserved = ['info', 'active']

/** Returns the name. Throws `invalid` for one that could lead to another folder or look like another volume's layer. */
export function checkVolumeName(name: string): string {
  if (volumeName.test(name)) return name
  throw new DriverError(
    'invalid',
    `${JSON.stringify(name)} cannot name a volume here: volume-… of letters, digits, - _`,
  )
}

/**
 * Returns the key of `snapshot-<key>`, as it is used in the information file and in overlay names. Throws `invalid`.
 */
export function snapshotKey(name: string): string {
  const key = snapshotName.exec(name)?.[1]
  if (key && !reserved.includes(key)) return key
  throw new DriverError(
    'invalid',
    `${JSON.stringify(name)} cannot name a snapshot here: snapshot-… of letters, digits, - _`,
  )
}

/** True when a file of this name is a volume. */
export function isVolumeName(name: string): boolean {
  return volumeName.test(name)
}

/** True when `file` is the volume's own file or one of its overlays, `volume-<id>(.<snapshot id>)?`. */
export function isLayerOf(volume: string, file: string): boolean {
  if (file === volume) return true
  if (!file.startsWith(`${volume}.`)) return false
  const key = file.slice(volume.length + 1)
  return !reserved.includes(key) && snapshotName.test(`snapshot-${key}`)
}

/** Parses an information file. Throws `invalid` when it names a file that is no layer of the volume. */
export function parseInfo(volume: string, text: string): InfoFile {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw new DriverError('invalid', `${volume}.info is not JSON: restore it from the volume's chain of files`, error)
  }
  const entries = typeof content === 'object' && content !== null ? Object.entries(content) : []
  const overlays = new Map<string, string>()
  let active: string | undefined
  for (const [key, file] of entries) {
    if (typeof file !== 'string' || !isLayerOf(volume, file)) {
      throw new DriverError('invalid', `${volume}.info: ${key} = ${JSON.stringify(file)} is no file of this volume`)
    }
    if (key === 'active') active = file
    else overlays.set(snapshotKey(`snapshot-${key}`), file)
  }
  if (!active) throw new DriverError('invalid', `${volume}.info has no "active"`)
  return { active, overlays }
}

/** The text that Cinder's drivers write: keys sorted, one space of indentation, no newline at the end. */
export function formatInfo(info: InfoFile): string {
  const entries = [['active', info.active] as const, ...info.overlays]
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(Object.fromEntries(entries), null, 1)
}
