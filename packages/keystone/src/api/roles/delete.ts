import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden } from '../../model/errors.ts'
import { isImmutable } from '../../model/extras.ts'
import { removeRole } from '../../model/roles/store.ts'
import { revoke } from '../../model/tokens/store.ts'
import { getRole } from './show.ts'

/** DELETE /roles/{role_id}: revokes the tokens with a global role. Throws Forbidden (403) for an immutable role. */
export async function deleteRole(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const role = await getRole(tx, request.params.role_id!)
    if (isImmutable(role.options)) throw forbidden(`${role.id} is immutable.`)
    await removeRole(tx, role.id)
    if (role.domainId === null) await revoke(tx, [{ roleName: role.name }], deps)
  })
}
