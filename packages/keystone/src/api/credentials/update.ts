import { type Context, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { type Credential, ec2Id, saveCredential } from '../../model/credentials/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid, notFound } from '../../model/errors.ts'
import { mergeExtras } from '../../model/extras.ts'
import { type Body, baseOf } from '../links.ts'
import { assertMayCreateCredential, blobText, readBlob } from './create.ts'
import { getCredential, isAccessible, viewCredential } from './read.ts'
import { type CredentialInput, known } from './schema.ts'

const delegationFields = ['trust_id', 'app_cred_id', 'access_token_id']

/**
 * PATCH /credentials/{credential_id}. Throws Forbidden (403) for another owner, InvalidRequest (400) for a change of
 * the fields that record a delegation.
 */
export async function updateCredential(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { credential: CredentialInput }).credential
  const credential = await commit(deps, async (tx) => {
    const old = await getCredential(tx, request.params.credential_id!)
    if (!isAccessible(context, old.projectId, deps)) throw notFound('credential', old.id)
    if (given.project_id !== undefined) assertMayCreateCredential(context, given.project_id, deps)
    const changed = applyChanges(old, given)
    const target = { credential: { user_id: changed.userId, project_id: changed.projectId } }
    if (!context.may('identity:update_credential', { target })) throw forbidden('identity:update_credential')
    await saveCredential(tx, old.id, changed)
    return changed
  })
  return { credential: viewCredential(credential, baseOf(request, deps.publicUrl)) }
}

function applyChanges(old: Credential, given: CredentialInput): Credential {
  const changed: Credential = {
    ...old,
    userId: given.user_id ?? old.userId,
    projectId: given.project_id === undefined ? old.projectId : given.project_id,
    type: given.type ?? old.type,
    blob: given.blob === undefined ? old.blob : blobText(given.blob),
    extra: mergeExtras(old.extra, given, known),
  }
  if (changed.type !== 'ec2') return changed
  if (!changed.projectId) throw invalid('An EC2 credential needs a project_id.')
  const blob = readBlob(changed.blob)
  const before = old.type === 'ec2' ? readBlob(old.blob) : {}
  if (delegationFields.some((field) => (own(blob, field) ?? null) !== (own(before, field) ?? null)))
    throw invalid(`The fields ${delegationFields.join(', ')} of a credential cannot be changed.`)
  if (typeof blob.access !== 'string') throw invalid('The blob of an EC2 credential needs an access key.')
  return { ...changed, id: old.type === 'ec2' ? old.id : ec2Id(blob.access) }
}
