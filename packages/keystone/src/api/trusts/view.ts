import type { Role } from '../../model/roles/store.ts'
import { writeTime } from '../../model/times.ts'
import type { Trust } from '../../model/trusts/store.ts'
import type { Body } from '../links.ts'
import { viewRole } from '../roles/view.ts'

/** Returns the view of a trust. `roles` is given when one trust is shown, and absent in lists. */
export function viewTrust(trust: Trust, base: string, roles?: Role[]): Body {
  const self = `${base}/OS-TRUST/trusts/${trust.id}`
  return {
    id: trust.id,
    trustor_user_id: trust.trustorId,
    trustee_user_id: trust.trusteeId,
    project_id: trust.projectId,
    impersonation: trust.impersonation,
    expires_at: trust.expiresAt === null ? null : writeTime(trust.expiresAt),
    deleted_at: null,
    remaining_uses: trust.remainingUses,
    redelegation_count: trust.redelegationCount,
    redelegated_trust_id: null,
    ...(roles
      ? {
          roles: roles.map((role) => viewRole(role, base)),
          roles_links: { self: `${self}/roles`, next: null, previous: null },
        }
      : {}),
    links: { self },
  }
}
