import type { Session } from './session.ts'

interface Room {
  /** Puts the quota back as it was. */
  restore(): Promise<void>
}

type Quotas = { volumes: number; gigabytes: number }

/**
 * Makes sure that the project may have `volumes` more of `sizeGiB` each; raises its quota when it may not and this
 * user is allowed to. Throws an Error saying what to run otherwise.
 */
export async function makeRoom(session: Session, volumes: number, sizeGiB: number): Promise<Room> {
  const limits = (await session.call('volume', 'GET', '/limits')).json<{
    limits: { absolute: Record<string, number> }
  }>().limits.absolute
  const used: Quotas = { volumes: limits.totalVolumesUsed ?? 0, gigabytes: limits.totalGigabytesUsed ?? 0 }
  const had: Quotas = { volumes: limits.maxTotalVolumes ?? -1, gigabytes: limits.maxTotalVolumeGigabytes ?? -1 }
  const need: Quotas = { volumes: used.volumes + volumes, gigabytes: used.gigabytes + volumes * sizeGiB }
  const raised: Partial<Quotas> = {}
  for (const key of ['volumes', 'gigabytes'] as const)
    if (had[key] >= 0 && had[key] < need[key]) raised[key] = need[key]
  const keys = Object.keys(raised) as (keyof Quotas)[]
  if (keys.length === 0) return { restore: async () => {} }

  const path = `/os-quota-sets/${session.projectId}`
  const answer = await session.call('volume', 'PUT', path, { json: { quota_set: raised }, allow: [403, 404] })
  if (answer.status !== 200) {
    const flags = keys.map((key) => `--${key} ${need[key]}`).join(' ')
    throw new Error(
      `the quota of this project is too small for the storm, and this user may not raise it.\n` +
        `An administrator can: openstack quota set ${flags} ${session.projectId}`,
    )
  }
  const before = Object.fromEntries(keys.map((key) => [key, had[key]]))
  return {
    async restore() {
      await session.call('volume', 'PUT', path, { json: { quota_set: before } })
    },
  }
}
