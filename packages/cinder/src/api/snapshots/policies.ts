import { admin, member, reader } from '../policies.ts'

/** Policies for snapshots, with upstream's names (cinder/policies/snapshots.py, snapshot_actions.py). */
export const snapshotPolicies: Record<string, string> = {
  'volume:get_all_snapshots': reader,
  'volume:get_snapshot': reader,
  'volume:create_snapshot': member,
  'volume:update_snapshot': member,
  'volume:delete_snapshot': member,
  'volume:get_snapshot_metadata': reader,
  'volume:update_snapshot_metadata': member,
  'volume:delete_snapshot_metadata': member,
  'volume_extension:extended_snapshot_attributes': reader,
  'volume_extension:snapshot_admin_actions:reset_status': admin,
  'volume_extension:snapshot_admin_actions:force_delete': admin,
  'snapshot_extension:snapshot_actions:update_snapshot_status': member,
  'snapshot_extension:snapshot_manage': admin,
  'snapshot_extension:snapshot_unmanage': admin,
  'snapshot_extension:list_manageable': admin,
}
