import { type Context, hexId } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import {
  type Credential,
  type Ec2Blob,
  ec2Id,
  findCredential,
  insertCredential,
  listCredentials,
  removeCredential,
} from '../../model/credentials/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { assertMayCreateCredential } from '../credentials/create.ts'
import { callerOf } from '../guard.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { getProject } from '../projects/show.ts'
import { callerExtra } from '../tokens/subject.ts'
import { getUser } from '../users/show.ts'

/** POST /users/{user_id}/credentials/OS-EC2: creates an access key and returns it with its secret. */
export async function createKey(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { tenant_id } = request.body as { tenant_id: string }
  const userId = request.params.user_id!
  assertMayCreateCredential(context, tenant_id, deps)
  const blob: Ec2Blob = { access: hexId(), secret: hexId(), trust_id: callerExtra(context, deps).trust ?? null }
  const { appCredentialId } = callerOf(context)
  if (appCredentialId) blob.app_cred_id = appCredentialId
  const credential: Credential = {
    id: ec2Id(blob.access),
    userId,
    projectId: tenant_id,
    type: 'ec2',
    blob: JSON.stringify(blob),
    extra: {},
  }
  await commit(deps, async (tx) => {
    await getUser(tx, userId)
    await getProject(tx, tenant_id)
    await insertCredential(tx, credential)
  })
  return { credential: viewKey(credential, baseOf(request, deps.publicUrl)) }
}

/** GET /users/{user_id}/credentials/OS-EC2. */
export async function listKeys(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const user = await getUser(query, request.params.user_id!)
  const keys = await listCredentials(query, { user_id: user.id, type: 'ec2' })
  return collection(request, { name: 'credentials', base, items: keys.map((key) => viewKey(key, base)) })
}

/** GET /users/{user_id}/credentials/OS-EC2/{access}. */
export async function showKey(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const key = await getKey(deps.database.query, request)
  return { credential: viewKey(key, baseOf(request, deps.publicUrl)) }
}

/** DELETE /users/{user_id}/credentials/OS-EC2/{access}. */
export async function deleteKey(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => removeCredential(tx, (await getKey(tx, request)).id))
}

async function getKey(query: Query, { params }: ApiRequest): Promise<Credential> {
  const credential = await findCredential(query, ec2Id(params.access!))
  if (!credential || credential.userId !== params.user_id) throw notFound('credential', params.access!)
  return credential
}

function viewKey(credential: Credential, base: string): Body {
  const { access, secret, trust_id } = JSON.parse(credential.blob) as Ec2Blob
  const self = `${base}/users/${credential.userId}/credentials/OS-EC2/${access}`
  return {
    user_id: credential.userId,
    tenant_id: credential.projectId,
    access,
    secret,
    trust_id: trust_id ?? null,
    links: { self },
  }
}
