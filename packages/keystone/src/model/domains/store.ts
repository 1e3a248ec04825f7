import type { Query } from '@hearth/database'

/** Returns the ids of the users and groups that belong to a domain. */
export async function memberIdsOfDomain(
  query: Query,
  domainId: string,
): Promise<{ userIds: string[]; groupIds: string[] }> {
  const userIds: string[] = await query('users').where({ domain_id: domainId }).pluck('id')
  const groupIds: string[] = await query('user_groups').where({ domain_id: domainId }).pluck('id')
  return { userIds, groupIds }
}

/** Removes all settings of a domain. */
export async function removeSettings(query: Query, domainId: string): Promise<void> {
  await query('domain_settings').where({ domain_id: domainId }).delete()
}
