import { type Context, setOwn } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { readUsages } from '../../model/quotas/store.ts'

/** Field of the response → resource whose limit or usage it shows. */
const maxima = {
  maxTotalVolumes: 'volumes',
  maxTotalVolumeGigabytes: 'gigabytes',
  maxTotalSnapshots: 'snapshots',
  maxTotalBackups: 'backups',
  maxTotalBackupGigabytes: 'backup_gigabytes',
}
const totals = {
  totalVolumesUsed: 'volumes',
  totalGigabytesUsed: 'gigabytes',
  totalSnapshotsUsed: 'snapshots',
  totalBackupsUsed: 'backups',
  totalBackupGigabytesUsed: 'backup_gigabytes',
}

/** GET /limits: the caller's project; since 3.39 an administrator may name another. */
export async function showLimits(context: Context, request: ApiRequest, deps: { database: Database }) {
  const asked = queryValue(request.query, 'project_id')
  const isAdmin = context.may('context_is_admin')
  const own = context.identity?.projectId ?? ''
  const project = asked && isAdmin && context.allows('limits-of-projects') ? asked : own
  const usages = await readUsages(deps.database.query, project)
  const absolute: Record<string, number> = {}
  for (const [member, resource] of Object.entries(maxima)) setOwn(absolute, member, usages.get(resource)!.limit)
  for (const [member, resource] of Object.entries(totals)) setOwn(absolute, member, usages.get(resource)!.inUse)
  return { limits: { rate: [], absolute } }
}
