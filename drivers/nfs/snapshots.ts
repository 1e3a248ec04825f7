import { DriverError, type ModelUpdate, type SnapshotRef } from '@hearth/driver'
import { type Backend, stopIfAborted } from './backend.ts'
import { activeFile, chainOf, exists, type Layer } from './chain.ts'
import { checkVolumeName, formatInfo, type InfoFile, snapshotKey } from './info-file.ts'
import { type LocatedVolume, snapshotLayers } from './inspect.ts'
import { undoAborted } from './make.ts'
import { newToken } from './mount.ts'
import { exitCodes } from './script.ts'
import type { ShareScriptRun } from './share.ts'

/**
 * qemu-img gets `-u`, so it does not open the backing file: this driver has checked its header already. A new overlay
 * is made under its final name, because nothing refers to it until the information file is written last. qemu-img
 * syncs.
 */
const overlayScript = `
name=$1 expected=$2 info=$3 overlay=$4 below=$5 below_format=$6 size=$7
own "$name"
unchanged "$name" "$expected"
create() { qemu-img create -q -f qcow2 -u -F "$below_format" -b "$below" "$1" "$size"; }
if [ "$info" = "$expected" ]; then
  begin "$name"
  create "$part"
  publish "$overlay"
else
  : >"$overlay"
  create "$overlay"
  write_info "$name" "$info"
fi
`

/** Each step may be repeated: the overlay keeps its bytes until no file refers to it. */
const mergeScript = `
name=$1 expected=$2 info=$3 overlay=$4 below=$5 below_format=$6 above=$7 merge=$8
own "$name"
unchanged "$name" "$expected"
if [ "$merge" = yes ]; then
  qemu-img commit -q -f qcow2 -d "$overlay"
  [ -z "$above" ] || qemu-img rebase -q -u -f qcow2 -b "$below" -F "$below_format" "$above"
fi
write_info "$name" "$info"
rm -f -- "$overlay"
`

/** Makes an overlay above the active file, which becomes the snapshot. */
export async function takeSnapshot(
  backend: Backend,
  snapshot: SnapshotRef,
  signal?: AbortSignal,
): Promise<ModelUpdate | undefined> {
  const key = snapshotKey(snapshot.name)
  if (!backend.options.snapshotSupport) {
    throw new DriverError('unsupported', `snapshotSupport = false: ${snapshot.name} is not taken`)
  }
  return changing(backend, snapshot, signal, async () => {
    const volume = await backend.get(snapshot.volume)
    const layers = chainOf(volume)
    if (volume.info?.overlays.has(key)) return null
    const [top] = layers as [Layer]
    await backend.ensureRoom(volume.share, 0)
    const overlay = `${volume.name}.${key}`
    if (layers.some(({ file }) => file === overlay)) {
      throw new DriverError('invalid', `${overlay} belongs to another snapshot, which was renamed: take a new name`)
    }
    const info = { active: overlay, overlays: new Map([...(volume.info?.overlays ?? []), [key, overlay] as const]) }
    return planOverlay(volume, `taking ${snapshot.name}`, { overlay, below: top, info, size: top.virtualSize })
  })
}

/** Merges the snapshot's overlay into the layer below. Succeeds for a snapshot that is gone. */
export async function deleteSnapshot(backend: Backend, snapshot: SnapshotRef, signal?: AbortSignal): Promise<void> {
  const key = snapshotKey(snapshot.name)
  await changing(backend, snapshot, signal, async () => {
    const volume = await backend.find(snapshot.volume)
    const overlay = volume?.info?.overlays.get(key)
    if (!volume || overlay === undefined) return null
    return planMerge(volume, snapshot, overlay, signal)
  })
}

/** Replaces the newest overlay by an empty one: the volume reads as the snapshot again. */
export async function revertTo(backend: Backend, snapshot: SnapshotRef, signal?: AbortSignal): Promise<void> {
  const key = snapshotKey(snapshot.name)
  await changing(backend, snapshot, signal, async () => {
    const volume = await backend.get(snapshot.volume)
    const { overlay, below } = snapshotLayers(volume, key)
    if (overlay !== activeFile(volume)) {
      const why = `${snapshot.name} is not the newest of ${volume.name}: delete those after it first`
      throw new DriverError('busy', why)
    }
    const size = chainOf(volume)[0]!.virtualSize
    const info = volume.info!
    return planOverlay(volume, `reverting to ${snapshot.name}`, { overlay, below: below[0]!, info, size })
  })
}

/** Adopts a snapshot of the volume: gives it another name. Its files keep their names. */
export async function renameSnapshot(backend: Backend, snapshot: SnapshotRef, from: string): Promise<undefined> {
  const [key, before] = [snapshotKey(snapshot.name), snapshotKey(from)]
  return changing(backend, snapshot, undefined, async () => {
    const volume = await backend.get(snapshot.volume)
    if (volume.info?.overlays.has(key)) return null
    const overlay = snapshotLayers(volume, before).overlay
    const overlays = new Map(volume.info!.overlays)
    overlays.delete(before)
    overlays.set(key, overlay)
    const script = `own "$1"\nunchanged "$1" "$2"\nwrite_info "$1" "$3"\n`
    const args = [volume.name, volume.infoText, textOf(volume, { active: activeFile(volume), overlays })]
    return { volume, scriptRun: { what: `renaming ${from}`, script, args } }
  })
}

interface Change {
  volume: LocatedVolume
  scriptRun: ShareScriptRun
}

/** Reads the volume and changes it; up to five times when another process changes it between the two. */
async function changing(
  backend: Backend,
  { name, volume }: SnapshotRef,
  signal: AbortSignal | undefined,
  plan: () => Promise<Change | null>,
): Promise<undefined> {
  checkVolumeName(volume.name)
  return backend.locks.hold({ changed: volume.name }, async () => {
    for (let tries = 0; tries < 5; tries += 1) {
      stopIfAborted(signal, name)
      const change = await plan()
      if (change === null) return undefined
      const { exitCode } = await change.volume.share.run(change.scriptRun)
      if (exitCode !== exitCodes.changed) return undefined
    }
    throw new DriverError('busy', `${volume.name} is being changed by another process`)
  })
}

function planOverlay(
  volume: LocatedVolume,
  what: string,
  { overlay, below, info, size }: { overlay: string; below: Layer; info: InfoFile; size: number },
): Change {
  const text = textOf(volume, info)
  const args = [volume.name, volume.infoText, text, overlay, below.file, below.format, size]
  return { volume, scriptRun: { what, script: overlayScript, args } }
}

function planMerge(
  volume: LocatedVolume,
  snapshot: SnapshotRef,
  overlay: string,
  signal: AbortSignal | undefined,
): Change {
  if (!exists(volume)) throw new DriverError('not-found', `There is no ${volume.name}`)
  const chain = chainOf(volume)
  const at = chain.findIndex(({ file }) => file === overlay)
  const overlays = new Map([...volume.info!.overlays].filter(([, file]) => file !== overlay))
  const below = at < 0 ? undefined : chain[at + 1]
  if (at >= 0 && !below) throw new DriverError('invalid', `${overlay} has no backing file: it holds no snapshot`)
  const info = { active: at === 0 ? below!.file : activeFile(volume), overlays }
  const above = at > 0 ? chain[at - 1]!.file : ''
  const merge = at >= 0 ? 'yes' : 'no'
  const token = newToken()
  const args = [volume.name, volume.infoText, textOf(volume, info), overlay]
  const more = [below?.file ?? '', below?.format ?? '', above, merge]
  const scriptRun = {
    what: `deleting ${snapshot.name}`,
    script: mergeScript,
    args: [...args, ...more],
    token,
    long: true,
    signal,
  }
  return { volume: { ...volume, share: undoingShare(volume, token) }, scriptRun }
}

/** The volume's share, with a `run` that ends the processes of an aborted script. */
function undoingShare({ share, name }: LocatedVolume, token: string): LocatedVolume['share'] {
  return {
    ...share,
    run: (given) => share.run(given).catch((error) => undoAborted(error, { share, name, token, remove: false })),
  }
}

/** Returns the present text when the content is the same, so that only real changes are written. */
function textOf(volume: LocatedVolume, info: InfoFile): string {
  const same = volume.info !== null && formatInfo(volume.info) === formatInfo(info)
  return same ? volume.infoText : formatInfo(info)
}
