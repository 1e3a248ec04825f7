import { DriverError, isDriverError, type ModelUpdate, type SnapshotRef, type VolumeRef } from '@hearth/driver'
import { type Backend, checkSize, isShareDown, isShareFailure, stopIfAborted } from './backend.ts'
import { chainOf, type Format, type Layer } from './chain.ts'
import { checkVolumeName, snapshotKey } from './info-file.ts'
import { type LocatedVolume, snapshotLayers } from './inspect.ts'
import { newToken } from './mount.ts'
import { exitCodes } from './script.ts'
import type { Share } from './share.ts'

const makeScript = `
name=$1 size=$2 format=$3 how=$4 grow=$5 source=$6 expected=$7 layer=$8 layer_format=$9
stopped() {
  [ -e "$locks/.stop-$token" ] || return 0
  rm -f -- "$locks/.stop-$token"
  exit ${exitCodes.stopped}
}
own "$name"
stopped
[ ! -e "$name" ] || exit ${exitCodes.exists}
made=yes
echo "$token $PPID $made" >"$locks/$name"
if [ -n "$source" ]; then
  hold "$source"
  unchanged "$source" "$expected"
  [ -e "$layer" ] || exit ${exitCodes.changed}
fi
begin "$name"
case $how in
  truncate) truncate -s "$size" "$part" ;;
  allocate) fallocate -l "$size" "$part" ;;
  create) qemu-img create -q -f qcow2 "$part" "$size" ;;
  # With NFS 4.2 the server itself clones or copies, and holes stay holes.
  copy) cp --reflink=auto --sparse=auto -- "$layer" "$part" ;;
  convert) qemu-img convert -q -f "$layer_format" -O "$format" "$layer" "$part" ;;
esac
case $grow$format in
  yesraw) truncate -s "$size" "$part" ;;
  yesqcow2) qemu-img resize -q -f qcow2 "$part" "$size" ;;
esac
# qemu-img syncs what it creates, but not what it converts.
case $how in truncate|create) ;; *) sync "$part" ;; esac
stopped
[ ! -e "$name.info" ] || rm -f -- "$name.info"
echo "$format" >".$name.format"
publish "$name"
`

/** Ends the script with this token that works on the volume, and removes the files that it made. */
const undoScript = `
name=$1 remove=$2
mine() {
  group=0
  read -r whose group made <"$locks/$name" && [ "$whose" = "$token" ]
}
[ "$remove" = no ] || : >"$locks/.stop-$token"
if mine 2>/dev/null && [ "$group" -gt 1 ]; then kill -TERM -- "-$group" 2>/dev/null || :; fi
lock "$name"
if mine 2>/dev/null; then
  [ "$group" = 0 ] || rm -f -- ".part-$name".*
  [ "$remove" = no ] || rm -f -- "$locks/.stop-$token"
  [ "$remove$made" != yesyes ] || rm -f -- "$name" ".$name.format" "$locks/$name"
fi
`

/** Makes a blank volume. */
export async function makeBlank(backend: Backend, volume: VolumeRef, signal?: AbortSignal): Promise<ModelUpdate> {
  const bytes = checkSize(volume.name, volume.sizeGiB)
  const { format, sparse } = backend.options
  const how = format === 'qcow2' ? 'create' : sparse ? 'truncate' : 'allocate'
  return makeOnce(backend, volume, { signal }, async () => {
    return { share: await backend.choose(bytes), how, grow: false, args: ['', '', '', ''] }
  })
}

/** Makes a volume with the present bytes of another, on the same share. */
export async function makeClone(backend: Backend, volume: VolumeRef, source: VolumeRef, signal?: AbortSignal) {
  return makeCopy(backend, volume, { source, signal }, chainOf)
}

/** Makes a volume with the bytes of a snapshot, on the same share. */
export async function makeFromSnapshot(backend: Backend, volume: VolumeRef, from: SnapshotRef, signal?: AbortSignal) {
  const key = snapshotKey(from.name)
  return makeCopy(backend, volume, { source: from.volume, signal }, (found) => snapshotLayers(found, key).below)
}

interface MakePlan {
  share: Share
  how: string
  grow: boolean
  args: string[]
}

/** `layersOf` returns the layer that holds the bytes, and the layers below it. */
function makeCopy(
  backend: Backend,
  volume: VolumeRef,
  about: { source: VolumeRef; signal?: AbortSignal | undefined },
  layersOf: (source: LocatedVolume) => Layer[],
): Promise<ModelUpdate> {
  const bytes = checkSize(volume.name, volume.sizeGiB)
  checkVolumeName(about.source.name)
  return makeOnce(backend, volume, about, async (source) => {
    const { share, name, infoText } = source!
    const layers = layersOf(source!)
    const { file, format, virtualSize } = layers[0]!
    if (virtualSize > bytes) {
      throw new DriverError('invalid', `${volume.name} of ${volume.sizeGiB} GiB cannot hold ${virtualSize} bytes`)
    }
    await backend.ensureRoom(share, bytes)
    const whole = layers.length === 1 && format === backend.options.format
    const how = whole ? 'copy' : 'convert'
    return { share, how, grow: virtualSize < bytes, args: [name, infoText, file, format] }
  })
}

/** Makes a volume unless it exists. A file with the volume's name is always a finished volume. */
function makeOnce(
  backend: Backend,
  volume: VolumeRef,
  { source, signal }: { source?: VolumeRef; signal?: AbortSignal | undefined },
  prepare: (source: LocatedVolume | null) => Promise<MakePlan>,
): Promise<ModelUpdate> {
  checkVolumeName(volume.name)
  const names = { changed: volume.name, ...(source ? { read: source.name } : {}) }
  return backend.locks.hold(names, async () => {
    stopIfAborted(signal, `Making ${volume.name}`)
    let failure = new DriverError('busy', `${volume.name} or what it is made from is being changed by another process`)
    // The script checks whether the volume exists on its own share, so a blank volume is not looked for there first.
    let blank = source || backend.knownShare(volume) ? null : await prepare(null).catch(() => null)
    for (let tries = 0; tries < 5; tries += 1) {
      const from = source ? backend.get(source) : null
      from?.catch(() => undefined)
      const present = await findUnlessDown(backend, volume, blank?.share)
      if (present) return presentUpdate(present, volume)
      const plan = blank ?? (await prepare(await from))
      blank = null
      stopIfAborted(signal, `Making ${volume.name}`)
      try {
        if (await make(backend.options.format, volume, plan, signal)) {
          backend.remember(volume.name, plan.share)
          return { providerLocation: plan.share.name }
        }
      } catch (error) {
        if (source || !isShareFailure(error)) throw error
        // The cached usage of this share is wrong now; with a new reading, another share may be chosen.
        backend.forgetUsage(plan.share)
        failure = error
      }
    }
    throw failure
  })
}

/** Finds the volume. Returns null when a share is down, so that the other shares still take new volumes. */
async function findUnlessDown(backend: Backend, volume: VolumeRef, except?: Share): Promise<LocatedVolume | null> {
  return backend.find(volume, except).catch((error: unknown) => {
    if (volume.providerLocation || !isShareDown(error)) throw error
    return null
  })
}

function presentUpdate(present: LocatedVolume, volume: VolumeRef): ModelUpdate {
  const { virtualSize } = chainOf(present)[0]!
  if (virtualSize >= volume.sizeGiB * 1024 ** 3) return { providerLocation: present.share.name }
  throw new DriverError('invalid', `${volume.name} is there already with ${virtualSize} bytes`)
}

/** Returns true when the volume was made; false when something has changed since it was inspected. */
async function make(
  format: Format,
  { name, sizeGiB }: VolumeRef,
  { share, how, grow, args }: MakePlan,
  signal?: AbortSignal,
): Promise<boolean> {
  const token = newToken()
  const { exitCode } = await share
    .run({
      what: `making ${name}`,
      script: makeScript,
      args: [name, sizeGiB * 1024 ** 3, format, how, grow ? 'yes' : 'no', ...args],
      token,
      long: how === 'copy' || how === 'convert' || how === 'allocate',
      signal,
    })
    .catch((error: unknown) => undoAborted(error, { share, name, token, remove: true }))
  return exitCode === 0
}

/** Ends the processes of an aborted script, which may still run on its host. Always throws the given error. */
export async function undoAborted(
  error: unknown,
  { share, name, token, remove }: { share: Share; name: string; token: string; remove: boolean },
): Promise<never> {
  if (isDriverError(error) && error.kind === 'aborted') {
    const args = [name, remove ? 'yes' : 'no']
    await share.run({ what: `ending work on ${name}`, script: undoScript, args, token }).catch(() => undefined)
  }
  throw error
}
