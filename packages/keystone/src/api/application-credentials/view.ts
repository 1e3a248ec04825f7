import type { Query } from '@hearth/database'
import type { AppCredential } from '../../model/application-credentials/store.ts'
import { rolesById } from '../../model/roles/store.ts'
import { writeMicros } from '../../model/times.ts'
import type { Body } from '../links.ts'

/** Returns the view of an application credential, which never contains the secret. */
export async function viewAppCredential(query: Query, credential: AppCredential, base: string): Promise<Body> {
  const { id, name, description, projectId, userId, unrestricted, expiresAtMicros, accessRules } = credential
  const roles = await rolesById(query, credential.roleIds)
  return {
    id,
    name,
    description,
    project_id: projectId,
    user_id: userId,
    system: null,
    unrestricted,
    expires_at: expiresAtMicros === null ? null : writeMicros(expiresAtMicros),
    roles: roles.map((role) => ({ id: role.id, name: role.name, domain_id: role.domainId })),
    ...(accessRules ? { access_rules: accessRules } : {}),
    links: { self: `${base}/users/${userId}/application_credentials/${id}` },
  }
}
