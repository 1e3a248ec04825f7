import { admin, adminOrSystemReader, domainManager, domainReader } from '../rules.ts'

/**
 * A manager of a domain can grant only the roles manager, member and reader, and only to users and groups of the
 * domain.
 */
const actorInDomain = '(domain_id:%(target.user.domain_id)s or domain_id:%(target.group.domain_id)s)'
const targetInDomain = '(domain_id:%(target.project.domain_id)s or domain_id:%(target.domain.id)s)'
const lesserRole = "('manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s)"
const reading = `${adminOrSystemReader} or (role:reader and ${actorInDomain} and ${targetInDomain})`
const writing = `${admin} or (role:manager and ${actorInDomain} and ${targetInDomain} and ${lesserRole})`

export const policies: Record<string, string> = {
  'identity:check_grant': reading,
  'identity:list_grants': reading,
  'identity:create_grant': writing,
  'identity:revoke_grant': writing,
  'identity:list_system_grants_for_user': adminOrSystemReader,
  'identity:check_system_grant_for_user': adminOrSystemReader,
  'identity:create_system_grant_for_user': admin,
  'identity:revoke_system_grant_for_user': admin,
  'identity:list_system_grants_for_group': adminOrSystemReader,
  'identity:check_system_grant_for_group': adminOrSystemReader,
  'identity:create_system_grant_for_group': admin,
  'identity:revoke_system_grant_for_group': admin,
  'identity:list_role_assignments': `${adminOrSystemReader} or ${domainReader('target.domain_id')} or ${domainManager('target.domain_id')}`,
}
