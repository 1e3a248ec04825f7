import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../deps.ts'
import { forbidden } from '../errors.ts'
import { isImmutable } from '../extras.ts'
import { revoke } from '../tokens/store.ts'
import { getRole } from './show.ts'
import { removeRole } from './store.ts'

/** DELETE /roles/{role_id}: revokes the tokens with a global role. Throws Forbidden (403) for an immutable role. */
export async function deleteRole(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    const role = await getRole(tx, request.params.role_id!)
    if (isImmutable(role.options)) throw forbidden(`${role.id} is immutable.`)
    await removeRole(tx, role.id)
    if (role.domainId === null) await revoke(tx, [{ roleName: role.name }], deps)
  })
}
