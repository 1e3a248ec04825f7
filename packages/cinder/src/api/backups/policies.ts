import { admin, member, reader } from '../policies.ts'

/** Upstream's rules about backups (cinder/policies/backups.py, backup_actions.py). */
export const backupPolicies: Record<string, string> = {
  'backup:get_all': reader,
  'backup:get': reader,
  'backup:create': member,
  'backup:update': member,
  'backup:delete': member,
  'backup:restore': member,
  'backup:backup-import': admin,
  'backup:export-import': admin,
  'backup:backup_project_attribute': admin,
  'backup:backup_user_attribute': admin,
  'volume_extension:backup_admin_actions:reset_status': admin,
  'volume_extension:backup_admin_actions:force_delete': admin,
}
