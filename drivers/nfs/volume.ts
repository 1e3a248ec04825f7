import {
  type BackendStats,
  type Connection,
  type DriverDeps,
  DriverError,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'
import { findManageable, takeOver } from './adopt.ts'
import { type Backend, checkSize, isShareDown, openBackend, stopIfAborted } from './backend.ts'
import { chainOf } from './chain.ts'
import { answers } from './deed.ts'
import { checkVolumeName, isVolumeName, parseInfo, snapshotKey } from './info-file.ts'
import { type LocatedVolume, snapshotLayers } from './inspect.ts'
import { makeBlank, makeClone, makeFromSnapshot } from './make.ts'
import { mountShare } from './mount.ts'
import type { Share } from './share.ts'
import { deleteSnapshot, renameSnapshot, revertTo, takeSnapshot } from './snapshots.ts'
import { snapshotsOf, type Usage } from './usage.ts'
import type { VolumeOptions } from './volume-options.ts'

const gib = 1024 ** 3

/**
 * Volumes as files of NFS shares, laid out as Cinder's NFS driver does: `volume-<id>`, snapshots as qcow2 overlays, and
 * `volume-<id>.info`. A share that is down is asked again later; the others go on.
 */
export async function openNfsVolume(given: Record<string, unknown>, deps: DriverDeps): Promise<VolumeDriver> {
  const options = given as unknown as VolumeOptions
  const backend = openBackend(options, deps)
  const mounts = backend.shares.map((share) => mountShare({ ...options, run: deps.run }, share))
  for (const end of await Promise.allSettled(mounts)) {
    if (end.status === 'rejected') deps.log.warn({ reason: String(end.reason) }, 'a share cannot be mounted yet')
  }
  return {
    create: (volume, signal) => makeBlank(backend, volume, signal),
    clone: (volume, source, signal) => makeClone(backend, volume, source, signal),
    createFromSnapshot: (volume, source, signal) => makeFromSnapshot(backend, volume, source, signal),
    delete: (volume, signal) => remove(backend, volume, signal),
    extend: (volume, newSizeGiB, signal) => grow(backend, volume, newSizeGiB, signal),
    snapshot: (snapshot, signal) => takeSnapshot(backend, snapshot, signal),
    deleteSnapshot: (snapshot, signal) => deleteSnapshot(backend, snapshot, signal),
    revert: (snapshot, signal) => revertTo(backend, snapshot, signal),
    manageable: () => findManageable(backend),
    manage: (volume, { name }) => takeOver(backend, volume, name),
    manageSnapshot: (snapshot, { name }) => renameSnapshot(backend, snapshot, name),
    ...queries(backend),
  }
}

function queries(
  backend: Backend,
): Pick<VolumeDriver, 'stats' | 'connection' | 'address' | 'snapshotAddress' | 'list'> {
  return {
    stats: () => statsOf(backend),
    connection: async (volume) => connectionOf(await backend.need(volume)),
    async address(volume) {
      const found = await backend.need(volume)
      const [top] = chainOf(found)
      return { filename: `${found.share.path}/${top!.file}`, format: top!.format }
    },
    async snapshotAddress(snapshot) {
      const key = snapshotKey(snapshot.name)
      const found = await backend.need(snapshot.volume)
      const [top] = snapshotLayers(found, key).below
      return { filename: `${found.share.path}/${top!.file}`, format: top!.format }
    },
    async list() {
      const looks = await Promise.all(backend.shares.map((share) => backend.look(share)))
      const volumes = looks.flatMap(volumesOf)
      const snapshots = looks.flatMap((look) => volumesOf(look).flatMap((name) => snapshotsOf(look, name)))
      return { volumes: volumes.sort(), snapshots: snapshots.sort() }
    },
  }
}

/** As Cinder's NFS driver answers it, key by key. os-brick hands `options` to mount as they are. */
function connectionOf(volume: LocatedVolume): Connection {
  const [top] = chainOf(volume)
  const { name, options } = volume.share
  const data = {
    export: name,
    name: top!.file,
    options: options === null ? null : `-o ${options}`,
    format: top!.format,
  }
  return { kind: 'network', driver_volume_type: 'nfs', data }
}

/** Names of the volumes whose file to be written to is there. */
function volumesOf(usage: Usage): string[] {
  const based = [...usage.files.keys()].filter(isVolumeName)
  const names = new Set([...based, ...usage.infos.keys()].filter(isVolumeName))
  return [...names].filter((name) => {
    const text = usage.infos.get(name)
    if (text === undefined) return true
    try {
      return usage.files.has(parseInfo(name, text).active)
    } catch {
      return usage.files.has(name)
    }
  })
}

/** Without `looked`, only a volume that has no information file, and so no snapshots. */
const removeScript = `
name=$1 looked=$2 expected=$3 active=$4
own "$name"
gone=
if [ "$looked" = no ]; then
  [ ! -e "$name.info" ] || exit ${answers.changed}
  [ -e "$name" ] || gone=yes
elif [ -n "$active" ]; then
  unchanged "$name" "$expected"
  rm -f -- "$active"
else
  [ ! -e "$name" ] || exit ${answers.changed}
fi
[ "$looked$gone" = no ] || answering
owned=
rm -f -- "$name" "$name".* ".$name.format" "$locks/$name"
[ -z "$gone" ] || exit ${answers.absent}
`

type Removal = 'removed' | 'absent' | 'changed'

/** Removes the volume's files, and what a process that died in the middle of that has left. */
async function remove(backend: Backend, volume: VolumeRef, signal?: AbortSignal): Promise<void> {
  checkVolumeName(volume.name)
  const what = `Deleting ${volume.name}`
  const attempt = async (share: Share, found?: LocatedVolume | null): Promise<Removal> => {
    const looked = found === undefined ? 'no' : 'yes'
    const args = [volume.name, looked, found?.infoText ?? '', found ? chainTop(found) : '']
    const { exitCode } = await share.deed({ what, script: removeScript, args })
    return exitCode === 0 ? 'removed' : exitCode === answers.absent ? 'absent' : 'changed'
  }
  await backend.turns.take({ changed: volume.name }, async () => {
    stopIfAborted(signal, what)
    const place = backend.place(volume)
    const others = volume.providerLocation ? [] : backend.shares.filter((share) => share !== place)
    const first = place ? await attempt(place) : 'absent'
    const more = first === 'absent' ? await Promise.all(others.map((share) => attempt(share))) : [first]
    if (!more.includes('changed')) return backend.remember(volume.name, null)
    for (let tries = 0; tries < 5; tries += 1) {
      stopIfAborted(signal, what)
      const found = await backend.find(volume)
      const snapshots = [...(found?.info?.overlays.keys() ?? [])]
      if (snapshots.length > 0) throw new DriverError('busy', `${volume.name} has snapshots: ${snapshots.join(', ')}`)
      const shares = found ? [found.share] : place && volume.providerLocation ? [place] : backend.shares
      const ends = await Promise.all(shares.map((share) => attempt(share, found)))
      if (!ends.includes('changed')) return backend.remember(volume.name, null)
    }
    throw new DriverError('busy', `${volume.name} is being changed by another process`)
  })
}

/** A volume with a chain that must not be used can still be deleted. */
function chainTop(found: LocatedVolume): string {
  return found.info?.active ?? found.name
}

const growScript = `
name=$1 expected=$2 file=$3 format=$4 size=$5
own "$name"
unchanged "$name" "$expected"
case $format in
  raw) truncate -s ">$size" "$file" ;;
  qcow2) qemu-img resize -q -f qcow2 "$file" "$size" ;;
esac
`

async function grow(backend: Backend, volume: VolumeRef, newSizeGiB: number, signal?: AbortSignal): Promise<void> {
  checkVolumeName(volume.name)
  const bytes = checkSize(volume.name, newSizeGiB)
  await backend.turns.take({ changed: volume.name }, async () => {
    for (let tries = 0; tries < 5; tries += 1) {
      stopIfAborted(signal, `Extending ${volume.name}`)
      const found = await backend.need(volume)
      const [top] = chainOf(found)
      if (top!.virtualSize >= bytes) return
      await backend.ensureRoom(found.share, bytes - top!.virtualSize)
      const args = [volume.name, found.infoText, top!.file, top!.format, bytes]
      const { exitCode } = await found.share.deed({ what: `extending ${volume.name}`, script: growScript, args })
      if (exitCode === 0) return
    }
    throw new DriverError('busy', `${volume.name} is being changed by another process`)
  })
}

/** One pool of all shares that answer. Throws `unavailable` when none does. */
async function statsOf(backend: Backend): Promise<BackendStats> {
  const { options, shares } = backend
  const looks = await Promise.allSettled(shares.map((share) => backend.usage(share)))
  const seen = looks.flatMap((look) => (look.status === 'fulfilled' ? [look.value] : []))
  const failed = looks.find((look) => look.status === 'rejected')
  if (seen.length === 0 && failed) throw failed.reason
  if (failed && !isShareDown(failed.reason)) throw failed.reason
  const sum = (bytes: (usage: Usage) => number) =>
    Math.round((seen.reduce((total, usage) => total + bytes(usage), 0) / gib) * 100) / 100
  const down = shares.filter((_, i) => looks[i]!.status === 'rejected').map(({ name }) => name)
  return {
    vendorName: 'Open Source',
    driverVersion: '1.0',
    storageProtocol: 'NFS',
    pools: [
      {
        poolName: options.poolName,
        totalCapacityGb: sum((usage) => usage.totalBytes),
        freeCapacityGb: sum((usage) => usage.freeBytes),
        provisionedCapacityGb: sum((usage) => usage.allocatedBytes),
        reservedPercentage: options.reservedPercentage,
        maxOverSubscriptionRatio: options.maxOverSubscriptionRatio,
        thinProvisioning: options.sparse,
        thickProvisioning: !options.sparse,
        multiattach: false,
        onlineExtend: false,
        qosSupport: false,
        capabilities: { sparse_copy_volume: true, shares_up: seen.length, shares_down: down, ...options.capabilities },
      },
    ],
  }
}
