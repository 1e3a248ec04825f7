import { setImmediate as nextTurn } from 'node:timers/promises'
import { DriverError } from '@hearth/driver'
import { chainOf, exists, type Format, type FoundFile, type FoundVolume, type Layer } from './chain.ts'
import { parseInfo } from './info-file.ts'
import { type Look, lookScript, readLooks } from './look.ts'
import { parseQcow2 } from './qcow2.ts'
import type { Share } from './share.ts'

/** A volume and the share where it was found. */
export interface LocatedVolume extends FoundVolume {
  share: Share
  /** Text of the information file; empty without one. Scripts refuse to change the volume when the text has changed. */
  infoText: string
}

/**
 * Reads a volume on one share, after waiting until no script is changing it. `fallback` is the format of a volume
 * without a `.format` file.
 */
export async function inspectVolume(share: Share, name: string, fallback: Format): Promise<LocatedVolume> {
  const { stdout } = await share.run({ what: `looking for ${name}`, script: lookScript, args: ['yes', name] })
  const look = readLooks(stdout, [name], true).get(name)
  if (!look) throw new DriverError('failed', `${share.name}: the files of ${name} cannot be read whole`)
  return located(share, name, look, fallback)
}

/** Volumes in one run of the script: its arguments and its output must stay small. */
const mostAtOnce = 50

/**
 * Batches `inspectVolume`: one script reads all volumes that are waiting, because starting a process costs the most.
 */
export function openInspector(share: Share, fallback: Format): (name: string) => Promise<LocatedVolume> {
  interface Waiting {
    name: string
    resolve(volume: LocatedVolume | Promise<LocatedVolume>): void
    reject(error: unknown): void
  }
  const waiting: Waiting[] = []
  const look = async (): Promise<void> => {
    let taken: Waiting[] | undefined
    const take = (): string[] => {
      taken = waiting.splice(0, mostAtOnce)
      if (waiting.length > 0) void look()
      return [...new Set(taken.map(({ name }) => name))]
    }
    try {
      // Calls of the same moment share one script.
      await nextTurn()
      const { stdout } = await share.run(() => {
        const names = take()
        const what = names.length === 1 ? `looking for ${names[0]}` : `looking for ${names.length} volumes`
        return { what, script: lookScript, args: ['no', ...names] }
      })
      const names = taken!.map(({ name }) => name)
      const looks = readLooks(stdout, names, false)
      const volumeOf = async (name: string): Promise<LocatedVolume> => {
        const found = looks.get(name)
        return found ? located(share, name, found, fallback) : inspectVolume(share, name, fallback)
      }
      for (const { name, resolve } of taken!) resolve(volumeOf(name))
    } catch (error) {
      if (!taken) take()
      for (const { reject } of taken!) reject(error)
    }
  }
  return (name) =>
    new Promise((resolve, reject) => {
      waiting.push({ name, resolve, reject })
      if (waiting.length === 1) void look()
    })
}

function located(share: Share, name: string, look: Look, fallback: Format): LocatedVolume {
  const { files, infoText } = look
  const info = infoText === '' ? null : parseInfo(name, infoText)
  return { share, name, files, info, infoText, format: formatOf(look.format, files.get(name), fallback) }
}

/**
 * Format from the `.format` file. Without it (a volume made by Cinder): qcow2 if the backend makes qcow2 and the header
 * fits.
 */
function formatOf(known: string, file: FoundFile | undefined, fallback: Format): Format {
  if (known === 'raw' || known === 'qcow2') return known
  if (fallback === 'raw' || !file) return fallback
  return parseQcow2('', file.head) ? 'qcow2' : 'raw'
}

/** Returns a snapshot's overlay and the layers below it, which hold the snapshot's bytes. Throws `not-found`. */
export function snapshotLayers(volume: LocatedVolume, key: string): { overlay: string; below: Layer[] } {
  const overlay = exists(volume) ? volume.info?.overlays.get(key) : undefined
  if (overlay === undefined) throw new DriverError('not-found', `There is no snapshot ${key} of ${volume.name}`)
  const [, ...below] = chainOf(volume, overlay)
  if (below.length === 0) throw new DriverError('invalid', `${overlay} has no backing file: it holds no snapshot`)
  return { overlay, below }
}
