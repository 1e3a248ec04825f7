import { DriverError, isDriverError, type ManageableObject, type ModelUpdate, type VolumeRef } from '@hearth/driver'
import type { Backend } from './backend.ts'
import { chainOf, exists } from './chain.ts'
import { checkVolumeName, isVolumeName } from './info-file.ts'
import { inspectVolume, type LocatedVolume } from './inspect.ts'
import { headerBytes, parseQcow2 } from './qcow2.ts'
import { exitCodes } from './script.ts'
import type { Share } from './share.ts'
import { snapshotsOf, type Usage } from './usage.ts'

const gib = 1024 ** 3

const headsScript = `
for file; do
  [ -f "$file" ] && [ ! -L "$file" ] || continue
  printf '%s\\0%s\\0' "$file" "$(head -c ${headerBytes} -- "$file" | base64 -w0)"
done
check_share
`

/** Returns every file that can be adopted as a volume, and the snapshots of volumes. Skips shares that are down. */
export async function findManageable(backend: Backend): Promise<ManageableObject[]> {
  const looks = await Promise.allSettled(backend.shares.map(async (share) => objectsOf(backend, share)))
  const found = looks.flatMap((look) => (look.status === 'fulfilled' ? look.value : []))
  const failed = looks.find((look) => look.status === 'rejected')
  if (failed && looks.every((look) => look.status === 'rejected')) throw failed.reason
  return found
}

async function objectsOf(backend: Backend, share: Share): Promise<ManageableObject[]> {
  const usage = await backend.freshUsage(share)
  const names = [...usage.files.keys()].filter((name) => isFileName(name) && !isLayerName(name))
  const plain = names.filter((name) => !usage.infos.has(name))
  const layered = names.filter((name) => usage.infos.has(name))
  const heads = backend.options.format === 'qcow2' ? await headsOf(share, plain) : new Map<string, Buffer>()
  const objects: ManageableObject[] = plain.map((name) => plainObject(name, usage.files.get(name)!, heads.get(name)))
  for (const name of layered.filter(isVolumeName)) {
    const volume = await inspectVolume(share, name, backend.options.format)
    objects.push(...layeredObjects(volume, usage))
  }
  return objects
}

async function headsOf(share: Share, names: string[]): Promise<Map<string, Buffer>> {
  if (names.length === 0) return new Map()
  const { stdout } = await share.run({ what: 'reading headers', script: headsScript, args: names })
  const words = stdout.split('\0')
  const pairs = words.flatMap((word, i) => (i % 2 === 0 && word !== '' ? [[word, words[i + 1] ?? ''] as const] : []))
  return new Map(pairs.map(([name, head]) => [name, Buffer.from(head, 'base64')]))
}

function plainObject(name: string, sizeBytes: number, head: Buffer | undefined): ManageableObject {
  const object = { kind: 'volume' as const, name, sizeGiB: Math.ceil(sizeBytes / gib) }
  if (!head) return object
  try {
    const header = parseQcow2(name, head)
    if (!header) return object
    const unsafe = header.backingFile !== null || header.externalData ? 'its bytes are in other files too' : null
    return { ...object, sizeGiB: Math.ceil(header.virtualSize / gib), ...(unsafe && { unsafe }) }
  } catch (error) {
    return { ...object, unsafe: isDriverError(error) ? error.message : String(error) }
  }
}

function layeredObjects(volume: LocatedVolume, usage: Usage): ManageableObject[] {
  const snapshots = snapshotsOf(usage, volume.name)
  const { sizeBytes } = volume.files.get(volume.name) ?? { sizeBytes: 0 }
  try {
    const sizeGiB = Math.ceil(chainOf(volume)[0]!.virtualSize / gib)
    const of = snapshots.map((name) => ({ kind: 'snapshot' as const, name, sizeGiB, volumeName: volume.name }))
    const unsafe = snapshots.length > 0 ? { unsafe: 'it has snapshots' } : {}
    return [{ kind: 'volume', name: volume.name, sizeGiB, ...unsafe }, ...of]
  } catch (error) {
    const unsafe = isDriverError(error) ? error.message : String(error)
    return [{ kind: 'volume', name: volume.name, sizeGiB: Math.ceil(sizeBytes / gib), unsafe }]
  }
}

const renameScript = `
name=$1 from=$2 format=$3
own "$name"
[ ! -e "$name" ] || exit ${exitCodes.exists}
[ -f "$from" ] && [ ! -L "$from" ] || exit ${exitCodes.changed}
[ ! -e "$name.info" ] || rm -f -- "$name.info"
echo "$format" >".$name.format"
chmod 660 "$from"
mv -n -- "$from" "$name"
rm -f -- "$from.info" ".$from.format"
`

/**
 * Adopts an existing file: gives it the volume's name. A file without a `.format` file has the backend's format; its
 * bytes never decide it. Throws `not-found`; `invalid` for a volume with snapshots or a file that depends on other
 * files.
 */
export async function adoptVolume(backend: Backend, volume: VolumeRef, name: string): Promise<ModelUpdate> {
  checkVolumeName(volume.name)
  if (!isFileName(name)) throw new DriverError('invalid', `${JSON.stringify(name)} is not the name of a file`)
  return backend.locks.hold({ changed: volume.name }, async () => {
    const present = await backend.find(volume)
    if (present) return { providerLocation: present.share.name }
    const looks = await Promise.all(backend.shares.map((share) => candidate(backend, share, name)))
    const found = looks.filter((look) => look !== null)
    if (found.length > 1) throw new DriverError('invalid', `${name} is on several shares: rename all but one`)
    if (!found[0]) throw new DriverError('not-found', `There is no file ${name} on the shares of this backend`)
    const { share, format } = found[0]
    const args = [volume.name, name, format]
    const { exitCode } = await share.run({ what: `adopting ${name}`, script: renameScript, args })
    if (exitCode !== 0) throw new DriverError('busy', `${name} is being changed by another process`)
    return { providerLocation: share.name }
  })
}

async function candidate(backend: Backend, share: Share, name: string) {
  const { format } = backend.options
  if (isVolumeName(name)) {
    const volume = await inspectVolume(share, name, format)
    if (!exists(volume)) return null
    const layers = chainOf(volume)
    if (layers.length > 1 || (volume.info?.overlays.size ?? 0) > 0) {
      throw new DriverError('invalid', `${name} has snapshots: delete them before it gets another name`)
    }
    return { share, format: volume.format }
  }
  const head = (await headsOf(share, [name])).get(name)
  if (!head) return null
  if (format === 'raw') return { share, format }
  const header = parseQcow2(name, head)
  if (header && header.backingFile === null && !header.externalData) return { share, format }
  throw new DriverError('invalid', `${name} is not a qcow2 file without other files, as this backend's volumes must be`)
}

function isFileName(name: string): boolean {
  return /^[^./\0\n-][^/\0\n]{0,200}$/.test(name)
}

/** True for overlays and information files of volumes. */
function isLayerName(name: string): boolean {
  const dot = name.indexOf('.')
  return dot > 0 && isVolumeName(name.slice(0, dot))
}
