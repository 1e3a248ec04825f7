import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { type Credential, ec2Id, insertCredential } from '../../model/credentials/store.ts'
import { commit, type Deps } from '../../model/deps.ts'
import { forbidden, invalid } from '../../model/errors.ts'
import { extrasOf } from '../../model/extras.ts'
import { callerOf } from '../guard.ts'
import { type Body, baseOf } from '../links.ts'
import { callerExtra } from '../tokens/subject.ts'
import { getUser } from '../users/show.ts'
import { isAccessible, viewCredential } from './read.ts'
import { type CredentialInput, known } from './schema.ts'

/**
 * POST /credentials. Throws InvalidRequest (400) for an EC2 credential without project or access key, Forbidden (403)
 * as assertMayCreateCredential.
 */
export async function createCredential(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { credential: CredentialInput }).credential
  const userId = given.user_id ?? callerOf(context).userId
  assertMayCreateCredential(context, given.project_id ?? null, deps)
  const credential: Credential = {
    id: hexId(),
    userId,
    projectId: given.project_id ?? null,
    type: given.type!,
    blob: blobText(given.blob!),
    extra: extrasOf(given, known),
  }
  if (credential.type === 'ec2') bindEc2(credential, context, deps)
  await commit(deps, async (tx) => {
    await getUser(tx, userId)
    await insertCredential(tx, credential)
  })
  return { credential: viewCredential(credential, baseOf(request, deps.publicUrl)) }
}

/**
 * Throws Forbidden (403) for a delegated token of another project, and for a token of a restricted application
 * credential.
 */
export function assertMayCreateCredential(context: Context, projectId: string | null, deps: Deps): void {
  if (!isAccessible(context, projectId, deps)) throw forbidden('a delegated token has access only to its own project.')
  if (callerOf(context).appCredentialId && !callerExtra(context, deps).unrestricted)
    throw forbidden('a restricted application credential cannot create credentials.')
}

/** Returns the blob as text; an object becomes JSON. */
export const blobText = (blob: string | Record<string, unknown>): string =>
  typeof blob === 'string' ? blob : JSON.stringify(blob)

/** Parses the JSON object in a blob. Throws InvalidRequest (400) when it is not one. */
export function readBlob(blob: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(blob)
    if (typeof parsed === 'object' && parsed !== null) return parsed as Record<string, unknown>
  } catch {
    // The error below reports it.
  }
  throw invalid('Invalid blob in credential.')
}

/**
 * Sets the id from the access key, and records the trust or application credential of the caller in the blob, which
 * limits the credential.
 */
function bindEc2(credential: Credential, context: Context, deps: Deps): void {
  const blob = readBlob(credential.blob)
  if (typeof blob.access !== 'string') throw invalid('The blob of an EC2 credential needs an access key.')
  if (!credential.projectId) throw invalid('An EC2 credential needs a project_id.')
  credential.id = ec2Id(blob.access)
  const { trust } = callerExtra(context, deps)
  const { appCredentialId } = callerOf(context)
  if (trust) blob.trust_id = trust
  if (appCredentialId) blob.app_cred_id = appCredentialId
  if (trust || appCredentialId) credential.blob = JSON.stringify(blob)
}
