import { DriverError } from '@hearth/driver'
import { chainOf, exists, type Format, type FoundFile, type FoundVolume, type Layer } from './chain.ts'
import { parseInfo } from './info-file.ts'
import { headerBytes, parseQcow2 } from './qcow2.ts'
import type { Share } from './share.ts'

/** A volume where it was found. */
export interface LocatedVolume extends FoundVolume {
  share: Share
  /** The information file as it is; empty when there is none. Deeds refuse to work on another. */
  infoText: string
}

/** The first bytes tell the size of a qcow2 file and what it is made of; those of a raw file are the guest's own. */
const script = `
name=$1
hold "$name"
format=
[ ! -e ".$name.format" ] || format=$(cat ".$name.format")
printf 'format %s\\n' "$format"
for file in "$name" "$name".*; do
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  case $file in *.info) printf 'info %s\\n' "$(base64 -w0 "$file")"; continue ;; esac
  head=
  [ "$file:$format" = "$name:raw" ] || head=$(head -c ${headerBytes} -- "$file" | base64 -w0)
  printf 'file %s %s %s\\n' "$file" "$(stat -c %s -- "$file")" "$head"
done
answering
`

/** Looks at a volume on one share; `fallback` is the format of volumes of whose making nothing is known. */
export async function inspectVolume(share: Share, name: string, fallback: Format): Promise<LocatedVolume> {
  const { stdout } = await share.deed({ what: `looking for ${name}`, script, args: [name] })
  const files = new Map<string, FoundFile>()
  let infoText = ''
  let known = ''
  for (const line of stdout.split('\n')) {
    const [kind, first = '', size = '', head = ''] = line.split(' ')
    if (kind === 'format') known = first
    if (kind === 'info') infoText = Buffer.from(first, 'base64').toString().trimEnd()
    if (kind === 'file') files.set(first, { sizeBytes: Number(size), head: Buffer.from(head, 'base64') })
  }
  const info = infoText === '' ? null : parseInfo(name, infoText)
  return { share, name, files, info, infoText, format: formatOf(known, files.get(name), fallback) }
}

/** What was written beside the volume when it was made; without it, Cinder's own: qcow2 where volumes are made so. */
function formatOf(known: string, file: FoundFile | undefined, fallback: Format): Format {
  if (known === 'raw' || known === 'qcow2') return known
  if (fallback === 'raw' || !file) return fallback
  return parseQcow2('', file.head) ? 'qcow2' : 'raw'
}

/** The layer that holds the bytes of a snapshot, and those below it. Throws `not-found`. */
export function snapshotLayers(volume: LocatedVolume, key: string): { overlay: string; below: Layer[] } {
  const overlay = exists(volume) ? volume.info?.overlays.get(key) : undefined
  if (overlay === undefined) throw new DriverError('not-found', `There is no snapshot ${key} of ${volume.name}`)
  const [, ...below] = chainOf(volume, overlay)
  if (below.length === 0) throw new DriverError('invalid', `${overlay} has no backing file: it holds no snapshot`)
  return { overlay, below }
}
