import type { IdentityRoute } from '../guard.ts'
import { text } from '../shapes.ts'
import { authenticateEc2, authenticateS3 } from './authenticate.ts'
import { createKey, deleteKey, listKeys, showKey } from './keys.ts'

const all = '/users/:user_id/credentials/OS-EC2'
const one = `${all}/:access`

const keyBody = { type: 'object', required: ['tenant_id'], properties: { tenant_id: text } }

const s3Body = {
  type: 'object',
  required: ['credentials'],
  properties: {
    credentials: {
      type: 'object',
      required: ['access', 'token', 'signature'],
      properties: { access: text, token: text, signature: text },
    },
  },
}

export const routes: IdentityRoute[] = [
  { method: ['GET', 'HEAD'], path: all, policy: 'identity:ec2_list_credentials', status: 200, operation: listKeys },
  {
    method: 'POST',
    path: all,
    policy: 'identity:ec2_create_credential',
    body: keyBody,
    status: 201,
    operation: createKey,
  },
  { method: ['GET', 'HEAD'], path: one, policy: 'identity:ec2_get_credential', status: 200, operation: showKey },
  { method: 'DELETE', path: one, policy: 'identity:ec2_delete_credential', status: 204, operation: deleteKey },
  // Only services may exchange a signature: otherwise a client that intercepts one could get a token (CVE-2025-65073).
  {
    method: 'POST',
    path: '/s3tokens',
    policy: 'identity:s3tokens_validate',
    body: s3Body,
    status: 200,
    operation: authenticateS3,
  },
  {
    method: 'POST',
    path: '/ec2tokens',
    policy: 'identity:ec2tokens_validate',
    body: { type: 'object' },
    status: 200,
    operation: authenticateEc2,
  },
]
