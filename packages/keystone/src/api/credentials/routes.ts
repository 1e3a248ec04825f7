import { callerOf, type IdentityRoute, type Target } from '../guard.ts'
import { createCredential } from './create.ts'
import { deleteCredential } from './delete.ts'
import { credentialTarget, listCredentials, showCredential } from './read.ts'
import * as schema from './schema.ts'
import { updateCredential } from './update.ts'

const path = '/credentials/:credential_id'
const target = credentialTarget

const bodyCredential: Target = async ({ body }, _deps, context) => {
  const { user_id = callerOf(context).userId } = (body as { credential: { user_id?: string } }).credential
  return { credential: { user_id } }
}

export const routes: IdentityRoute[] = [
  {
    method: ['GET', 'HEAD'],
    path: '/credentials',
    policy: 'identity:list_credentials',
    status: 200,
    operation: listCredentials,
  },
  {
    method: 'POST',
    path: '/credentials',
    policy: 'identity:create_credential',
    target: bodyCredential,
    body: schema.createCredential,
    status: 201,
    operation: createCredential,
  },
  { method: ['GET', 'HEAD'], path, policy: 'identity:get_credential', target, status: 200, operation: showCredential },
  {
    method: 'PATCH',
    path,
    policy: 'identity:update_credential',
    target,
    body: schema.updateCredential,
    status: 200,
    operation: updateCredential,
  },
  { method: 'DELETE', path, policy: 'identity:delete_credential', target, status: 204, operation: deleteCredential },
]
