import { DriverError, type ManageableObject, type SnapshotRef, type VolumeDriver, type VolumeRef } from '@hearth/driver'
import { type Backend, getFinished, gib } from './backend.ts'
import { notFound } from './failures.ts'
import type { GroupReport, LogicalVolume } from './lvm.ts'
import { isSnapshotName, isVolumeName, logicalName, plainName, referenceName } from './names.ts'
import { recover } from './recovery.ts'
import { markOf, marksOf, volumeOfSnapshot, volumeTag } from './tags.ts'

/** Methods that list the group's volumes and adopt those that other programs made. */
export function adoptionMethods(
  backend: Backend,
): Required<Pick<VolumeDriver, 'list' | 'manageable' | 'manage' | 'manageSnapshot'>> {
  const { group, exclusive } = backend
  return {
    list: async () => listed(await group.report()),
    manageable: async () => (await group.report()).volumes.flatMap(manageableOf),
    async manage(volume, reference) {
      await exclusive(volume.name, () => adoptVolume(backend, volume, referenceName(reference)))
      return undefined
    },
    async manageSnapshot(snapshot, reference) {
      await exclusive(snapshot.name, () => adoptSnapshot(backend, snapshot, referenceName(reference)))
      return undefined
    },
  }
}

function listed(report: GroupReport): { volumes: string[]; snapshots: string[] } {
  const whole = report.volumes.filter((one) => !markOf(one, 'making'))
  const copies = whole.filter((one) => markOf(one, 'keeping')).map((one) => one.name.replace(/^keep/, ''))
  // While a thick snapshot is merged and made again, only the mark on its volume names it.
  const merged = whole.flatMap((one) => markOf(one, 'reverting')?.about ?? [])
  const there = whole.filter((one) => isSnapshotName(one.name) && one.kind !== 'thick').map((one) => one.name)
  const snapshots = new Set([...there, ...copies, ...merged].map(plainName))
  const volumes = whole.filter((one) => isVolumeName(one.name) && one.kind !== 'pool').map((one) => one.name)
  return { volumes: volumes.sort(), snapshots: [...snapshots].sort() }
}

/** Returns true also for a thin volume that stays inactive at the start of the host: LVM makes thin snapshots so. */
function isSnapshot(one: LogicalVolume): boolean {
  return (
    one.kind === 'snapshot' || isSnapshotName(one.name) || (one.kind === 'thin' && one.skipped && one.origin !== '')
  )
}

function manageableOf(one: LogicalVolume): ManageableObject[] {
  if (one.kind === 'pool' || marksOf(one).length > 0) return []
  const snapshot = isSnapshot(one)
  const bytes = one.kind === 'snapshot' ? one.originBytes : one.sizeBytes
  const unsafe = one.partial
    ? 'a device under it is missing'
    : one.broken
      ? 'its bytes are lost'
      : one.open
        ? 'it is in use'
        : undefined
  return [
    {
      kind: snapshot ? 'snapshot' : 'volume',
      name: plainName(one.name),
      sizeGiB: Math.ceil(bytes / gib),
      ...(snapshot && { volumeName: volumeOfSnapshot(one) }),
      ...(unsafe && { unsafe }),
    },
  ]
}

async function adoptVolume(backend: Backend, volume: VolumeRef, reference: string): Promise<void> {
  const logical = logicalName(volume.name)
  const found = await backend.group.find(reference)
  if (!found || found.kind === 'pool' || marksOf(found).length > 0) {
    if (found || !(await recover(backend, logical))) throw notFound(`volume ${reference} to adopt`)
    return
  }
  if (found.kind === 'snapshot') throw new DriverError('invalid', `${reference} is a snapshot, not a volume`)
  const known = (await backend.group.report()).volumes.filter((one) => one.tags.includes(volumeTag(reference)))
  const { name } = backend.group
  const commands = known.map(
    (one) => `lvchange -qq --deltag ${volumeTag(reference)} --addtag ${volumeTag(logical)} ${name}/${one.name}`,
  )
  await rename(backend, { from: reference, to: logical, commands, activate: true })
}

async function adoptSnapshot(backend: Backend, snapshot: SnapshotRef, reference: string): Promise<void> {
  const [logical, volume] = [logicalName(snapshot.name), logicalName(snapshot.volume.name)]
  const { group } = backend
  const found = (await group.find(reference)) ?? (await group.find(reference.replace(/^snapshot/, '_snapshot')))
  if (!found || found.kind === 'pool' || marksOf(found).length > 0) {
    if (found || !(await recover(backend, logical))) throw notFound(`snapshot ${reference} to adopt`)
    return
  }
  if (volumeOfSnapshot(found) !== volume) {
    throw new DriverError('invalid', `${reference} is no snapshot of ${snapshot.volume.name}`)
  }
  await rename(backend, { from: found.name, to: logical, commands: [], activate: false })
}

async function rename(
  { group }: Backend,
  { from, to, commands, activate }: { from: string; to: string; commands: string[]; activate: boolean },
): Promise<void> {
  if (from === to) return
  const outcome = await group.perform({
    commands: [`lvrename -qq ${group.name}/${from} ${group.name}/${to}`, ...commands],
    activate: activate ? [to] : [],
  })
  getFinished(outcome, to)
}
