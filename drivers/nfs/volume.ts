import {
  type BackendStats,
  type Connection,
  type DriverDeps,
  DriverError,
  type VolumeDriver,
  type VolumeRef,
} from '@hearth/driver'
import { adoptVolume, findManageable } from './adopt.ts'
import { type Backend, checkSize, isShareDown, openBackend, stopIfAborted } from './backend.ts'
import { chainOf } from './chain.ts'
import { checkVolumeName, isVolumeName, parseInfo, snapshotKey } from './info-file.ts'
import { type LocatedVolume, snapshotLayers } from './inspect.ts'
import { makeBlank, makeClone, makeFromSnapshot } from './make.ts'
import { mountShare } from './mount.ts'
import { exitCodes } from './script.ts'
import type { Share } from './share.ts'
import { deleteSnapshot, renameSnapshot, revertTo, takeSnapshot } from './snapshots.ts'
import { snapshotsOf, type Usage } from './usage.ts'
import type { VolumeOptions } from './volume-options.ts'

const gib = 1024 ** 3

/**
 * Volumes as files of NFS shares, laid out as Cinder's NFS driver does: `volume-<id>`, snapshots as qcow2 overlays, and
 * `volume-<id>.info`. A share that is down is tried again later; the other shares stay in use.
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
    manage: (volume, { name }) => adoptVolume(backend, volume, name),
    manageSnapshot: (snapshot, { name }) => renameSnapshot(backend, snapshot, name),
    ...queries(backend),
  }
}

function queries(
  backend: Backend,
): Pick<VolumeDriver, 'stats' | 'connection' | 'address' | 'snapshotAddress' | 'list'> {
  return {
    stats: () => statsOf(backend),
    connection: async (volume) => connectionOf(await backend.get(volume)),
    async address(volume) {
      const found = await backend.get(volume)
      const [top] = chainOf(found)
      return { filename: `${found.share.path}/${top!.file}`, format: top!.format }
    },
    async snapshotAddress(snapshot) {
      const key = snapshotKey(snapshot.name)
      const found = await backend.get(snapshot.volume)
      const [top] = snapshotLayers(found, key).below
      return { filename: `${found.share.path}/${top!.file}`, format: top!.format }
    },
    async list() {
      const looks = await Promise.all(backend.shares.map((share) => backend.freshUsage(share)))
      const volumes = looks.flatMap(volumesOf)
      const snapshots = looks.flatMap((look) => volumesOf(look).flatMap((name) => snapshotsOf(look, name)))
      return { volumes: volumes.sort(), snapshots: snapshots.sort() }
    },
  }
}

/** The connection that Cinder's NFS driver returns, key by key. os-brick passes `options` to mount unchanged. */
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

/** Names of the volumes whose active file exists. */
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

/** With `looked` = no, removes only a volume without an information file, which therefore has no snapshots. */
const removeScript = `
name=$1 looked=$2 expected=$3 active=$4
own "$name"
gone=
if [ "$looked" = no ]; then
  [ ! -e "$name.info" ] || exit ${exitCodes.changed}
  [ -e "$name" ] || gone=yes
elif [ -n "$active" ]; then
  unchanged "$name" "$expected"
  rm -f -- "$active"
else
  [ ! -e "$name" ] || exit ${exitCodes.changed}
fi
[ "$looked$gone" = no ] || check_share
owned=
rm -f -- "$name" "$name".* ".$name.format" "$locks/$name"
[ -z "$gone" ] || exit ${exitCodes.absent}
`

type Removal = 'removed' | 'absent' | 'changed'

/** Removes the volume's files, and leftovers of a removal that a dead process began. */
async function remove(backend: Backend, volume: VolumeRef, signal?: AbortSignal): Promise<void> {
  checkVolumeName(volume.name)
  const what = `Deleting ${volume.name}`
  const attempt = async (share: Share, found?: LocatedVolume | null): Promise<Removal> => {
    const looked = found === undefined ? 'no' : 'yes'
    const args = [volume.name, looked, found?.infoText ?? '', found ? chainTop(found) : '']
    const { exitCode } = await share.run({ what, script: removeScript, args })
    return exitCode === 0 ? 'removed' : exitCode === exitCodes.absent ? 'absent' : 'changed'
  }
  await backend.locks.hold({ changed: volume.name }, async () => {
    stopIfAborted(signal, what)
    const known = backend.knownShare(volume)
    const others = volume.providerLocation ? [] : backend.shares.filter((share) => share !== known)
    const first = known ? await attempt(known) : 'absent'
    const more = first === 'absent' ? await Promise.all(others.map((share) => attempt(share))) : [first]
    if (!more.includes('changed')) return backend.remember(volume.name, null)
    for (let tries = 0; tries < 5; tries += 1) {
      stopIfAborted(signal, what)
      const found = await backend.find(volume)
      const snapshots = [...(found?.info?.overlays.keys() ?? [])]
      if (snapshots.length > 0) throw new DriverError('busy', `${volume.name} has snapshots: ${snapshots.join(', ')}`)
      const shares = found ? [found.share] : known && volume.providerLocation ? [known] : backend.shares
      const ends = await Promise.all(shares.map((share) => attempt(share, found)))
      if (!ends.includes('changed')) return backend.remember(volume.name, null)
    }
    throw new DriverError('busy', `${volume.name} is being changed by another process`)
  })
}

/** The active file, without a check of the chain: a volume with a broken chain can still be deleted. */
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
  await backend.locks.hold({ changed: volume.name }, async () => {
    for (let tries = 0; tries < 5; tries += 1) {
      stopIfAborted(signal, `Extending ${volume.name}`)
      const found = await backend.get(volume)
      const [top] = chainOf(found)
      if (top!.virtualSize >= bytes) return
      await backend.ensureRoom(found.share, bytes - top!.virtualSize)
      const args = [volume.name, found.infoText, top!.file, top!.format, bytes]
      const { exitCode } = await found.share.run({ what: `extending ${volume.name}`, script: growScript, args })
      if (exitCode === 0) return
    }
    throw new DriverError('busy', `${volume.name} is being changed by another process`)
  })
}

/** Stats of one pool: the sum of all shares that respond. Throws `unavailable` when no share does. */
async function statsOf(backend: Backend): Promise<BackendStats> {
  const { options, shares } = backend
  const looks = await Promise.allSettled(shares.map((share) => backend.cachedUsage(share)))
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
