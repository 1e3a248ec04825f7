import type { Query, Transaction } from '@hearth/database'
import { overQuota } from './errors.ts'
import { defaultLimit, defaultLimits, perTypeResources } from './resources.ts'

/** Amounts to take or release: counts, and GiB for the gigabytes. */
interface QuotaDeltas {
  volumes?: number
  gigabytes?: number
  snapshots?: number
  backups?: number
  backup_gigabytes?: number
  groups?: number
}

export interface QuotaChange {
  projectId: string
  deltas: QuotaDeltas
  /** Also counts volumes, gigabytes and snapshots against this type's own limits. */
  volumeTypeName?: string | null
}

interface QuotaUsage {
  limit: number
  inUse: number
}

/**
 * Adds to the project's usage in the caller's transaction, so that usage and the row it counts stand or fall together.
 * Throws a 413 error (VolumeLimitExceeded, VolumeSizeExceedsAvailableQuota …) when a limit would be passed.
 */
export async function takeQuota(tx: Transaction, change: QuotaChange): Promise<void> {
  const changes = expand(change)
  const limits = await readLimits(tx, change.projectId, [...changes.keys()])
  for (const [resource, delta] of changes) {
    const limit = delta > 0 ? (limits.get(resource) ?? -1) : -1
    if (!(await add(tx, change.projectId, resource, delta, limit))) {
      throw await refusal(tx, change.projectId, resource, delta, limit)
    }
  }
}

/** Gives back what `takeQuota` of the same change took, in the caller's transaction. */
export async function giveQuota(tx: Transaction, change: QuotaChange): Promise<void> {
  for (const [resource, delta] of expand(change)) await add(tx, change.projectId, resource, -delta, -1)
}

/** Throws VolumeSizeExceedsLimit (413) when one volume of this size is larger than the project may have. */
export async function checkVolumeSize(q: Query, projectId: string, sizeGiB: number): Promise<void> {
  const limit = (await readLimits(q, projectId, ['per_volume_gigabytes'])).get('per_volume_gigabytes') ?? -1
  if (limit >= 0 && sizeGiB > limit) throw overQuota('VolumeSizeExceedsLimit', { size: sizeGiB, limit })
}

/** The limits in force for a project: its own, else those of the class `default`, else the built-in ones. */
export async function readLimits(q: Query, projectId: string, resources?: string[]): Promise<Map<string, number>> {
  const limits = await readDefaults(q, resources)
  const own = q('quotas').where({ project_id: projectId }).select('resource', 'hard_limit')
  if (resources) own.whereIn('resource', resources)
  for (const row of await own) limits.set(row.resource, Number(row.hard_limit))
  return limits
}

/** The limits of a project without its own: those of a quota class over the built-in ones. */
export async function readDefaults(
  q: Query,
  resources?: string[],
  className = 'default',
): Promise<Map<string, number>> {
  const limits = new Map<string, number>()
  for (const name of resources ?? (await allResources(q))) limits.set(name, defaultLimit(name))
  const ofClass = q('quota_classes').where({ class_name: className }).select('resource', 'hard_limit')
  if (resources) ofClass.whereIn('resource', resources)
  for (const row of await ofClass) if (limits.has(row.resource)) limits.set(row.resource, Number(row.hard_limit))
  return limits
}

/** Limit and usage of every resource of a project, per-type ones included. */
export async function readUsages(q: Query, projectId: string): Promise<Map<string, QuotaUsage>> {
  const usages = new Map<string, QuotaUsage>()
  for (const [resource, limit] of await readLimits(q, projectId)) usages.set(resource, { limit, inUse: 0 })
  for (const row of await q('quota_usages').where({ project_id: projectId })) {
    const usage = usages.get(row.resource)
    if (usage) usage.inUse = Number(row.in_use)
  }
  return usages
}

/** Sets limits of a project. */
export async function writeLimits(tx: Transaction, projectId: string, limits: Map<string, number>): Promise<void> {
  for (const [resource, hard_limit] of limits) {
    const row = { project_id: projectId, resource, hard_limit }
    await tx('quotas').insert(row).onConflict(['project_id', 'resource']).merge(['hard_limit'])
  }
}

/** Takes a project's own limits away; usage stays. */
export async function deleteLimits(q: Query, projectId: string): Promise<void> {
  await q('quotas').where({ project_id: projectId }).delete()
}

/** Sets limits of a quota class; those of `default` hold for every project without its own. */
export async function writeClassLimits(tx: Transaction, className: string, limits: Map<string, number>): Promise<void> {
  for (const [resource, hard_limit] of limits) {
    const row = { class_name: className, resource, hard_limit }
    await tx('quota_classes').insert(row).onConflict(['class_name', 'resource']).merge(['hard_limit'])
  }
}

/** Every resource name that has a limit now: the fixed ones and those of each volume type. */
export async function allResources(q: Query): Promise<string[]> {
  const types = await q('volume_types').orderBy('name').select('name')
  const perType = perTypeResources.flatMap((resource) => types.map((type) => `${resource}_${type.name}`))
  return [...Object.keys(defaultLimits), ...perType]
}

/** Keeps limits and usage of a volume type's own resources when its name changes. */
export async function renameTypeResources(tx: Transaction, from: string, to: string): Promise<void> {
  for (const table of ['quotas', 'quota_classes', 'quota_usages']) {
    for (const resource of perTypeResources) {
      await tx(table)
        .where({ resource: `${resource}_${to}` })
        .delete()
      await tx(table)
        .where({ resource: `${resource}_${from}` })
        .update({ resource: `${resource}_${to}` })
    }
  }
}

/** Forgets limits and usage of a volume type that is going away. */
export async function deleteTypeResources(tx: Transaction, typeName: string): Promise<void> {
  for (const table of ['quotas', 'quota_classes', 'quota_usages']) {
    await tx(table)
      .whereIn(
        'resource',
        perTypeResources.map((resource) => `${resource}_${typeName}`),
      )
      .delete()
  }
}

/**
 * Resource → amount, in the same order everywhere, so that concurrent transactions never wait for each other in a
 * circle.
 */
function expand({ deltas, volumeTypeName }: QuotaChange): Map<string, number> {
  const changes: [string, number][] = []
  for (const [resource, delta] of Object.entries(deltas)) {
    if (!delta) continue
    changes.push([resource, delta])
    const perType = (perTypeResources as readonly string[]).includes(resource)
    if (perType && volumeTypeName) changes.push([`${resource}_${volumeTypeName}`, delta])
  }
  return new Map(changes.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** One conditional UPDATE: the engine's own row write is the lock, so nothing can slip past the limit. */
async function add(tx: Transaction, projectId: string, resource: string, delta: number, limit: number) {
  const key = { project_id: projectId, resource }
  const update = () => {
    const rows = tx('quota_usages').where(key)
    if (limit >= 0) rows.where('in_use', '<=', limit - delta)
    return rows.increment('in_use', delta)
  }
  if (Number(await update()) > 0) return true
  await tx('quota_usages')
    .insert({ ...key, in_use: 0 })
    .onConflict(['project_id', 'resource'])
    .ignore()
  return Number(await update()) > 0
}

async function refusal(tx: Transaction, projectId: string, name: string, requested: number, quota: number) {
  const row = await tx('quota_usages').where({ project_id: projectId, resource: name }).first('in_use')
  const consumed = Number(row?.in_use ?? 0)
  if (name === 'backup_gigabytes')
    return overQuota('VolumeBackupSizeExceedsAvailableQuota', { requested, quota, consumed })
  if (name.startsWith('gigabytes')) {
    return overQuota('VolumeSizeExceedsAvailableQuota', { name, requested, quota, consumed })
  }
  if (name.startsWith('snapshots')) return overQuota('SnapshotLimitExceeded', { name, allowed: quota })
  if (name === 'backups') return overQuota('BackupLimitExceeded', { allowed: quota })
  if (name === 'groups') return overQuota('GroupLimitExceeded', { allowed: quota })
  return overQuota('VolumeLimitExceeded', { name, allowed: quota })
}

/**
 * Returns the usage of a project, counted from the rows; `quota_usages` must always equal it. Omits resources with no
 * usage.
 */
export async function recount(q: Query, projectId: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const count = (resource: string, amount: number) => {
    if (amount !== 0) counts.set(resource, (counts.get(resource) ?? 0) + amount)
  }
  const owned = (table: string) => q(table).where({ [`${table}.project_id`]: projectId })
  for (const [table, resource] of [
    ['volumes', 'volumes'],
    ['snapshots', 'snapshots'],
  ] as const) {
    const rows = await owned(table)
      .where({ use_quota: true })
      .leftJoin('volume_types', 'volume_types.id', `${table}.volume_type_id`)
      .select(`${table}.size as size`, 'volume_types.name as type')
    for (const { size, type } of rows) {
      for (const suffix of type ? ['', `_${type}`] : ['']) {
        count(`${resource}${suffix}`, 1)
        count(`gigabytes${suffix}`, Number(size))
      }
    }
  }
  for (const { size } of await owned('backups').select('size')) {
    count('backups', 1)
    count('backup_gigabytes', Number(size))
  }
  count('groups', (await owned('volume_groups').select('id')).length)
  return counts
}
