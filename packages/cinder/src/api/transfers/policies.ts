import { member, reader } from '../policies.ts'

/** Upstream's rules about transfers (cinder/policies/volume_transfer.py). */
export const transferPolicies: Record<string, string> = {
  'volume:get_all_transfers': reader,
  'volume:get_transfer': reader,
  'volume:create_transfer': member,
  'volume:accept_transfer': member,
  'volume:delete_transfer': member,
}
