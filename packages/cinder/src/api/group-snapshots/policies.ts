import { admin, member, reader } from '../policies.ts'

/** Upstream's rules about group snapshots (cinder/policies/group_snapshots.py, group_snapshot_actions.py). */
export const groupSnapshotPolicies: Record<string, string> = {
  'group:get_all_group_snapshots': reader,
  'group:get_group_snapshot': reader,
  'group:create_group_snapshot': member,
  'group:delete_group_snapshot': member,
  'group:reset_group_snapshot_status': admin,
  'group:group_snapshot_project_attribute': admin,
}
