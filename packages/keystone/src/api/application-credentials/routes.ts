import type { IdentityRoute } from '../guard.ts'
import { createAppCredential } from './create.ts'
import { deleteAppCredential } from './delete.ts'
import { listCredentials, showCredential } from './read.ts'
import * as schema from './schema.ts'

const all = '/users/:user_id/application_credentials'
const one = `${all}/:application_credential_id`

export const routes: IdentityRoute[] = [
  {
    method: ['GET', 'HEAD'],
    path: all,
    policy: 'identity:list_application_credentials',
    status: 200,
    operation: listCredentials,
  },
  {
    method: 'POST',
    path: all,
    policy: 'identity:create_application_credential',
    body: schema.createAppCredential,
    status: 201,
    operation: createAppCredential,
  },
  {
    method: ['GET', 'HEAD'],
    path: one,
    policy: 'identity:get_application_credential',
    status: 200,
    operation: showCredential,
  },
  {
    method: 'DELETE',
    path: one,
    policy: 'identity:delete_application_credential',
    status: 204,
    operation: deleteAppCredential,
  },
]
