import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { proofOf } from '../../model/application-credentials/prove.ts'
import { findAppCredential } from '../../model/application-credentials/store.ts'
import { type Credential, type Ec2Blob, ec2Id, findCredential } from '../../model/credentials/store.ts'
import type { Deps } from '../../model/deps.ts'
import { isEc2Signature, isS3Signature, type SignedRequest } from '../../model/ec2/signature.ts'
import { errors, invalid, notFound } from '../../model/errors.ts'
import { assertEnabled } from '../../model/login/password.ts'
import { parseTime } from '../../model/times.ts'
import type { Proof } from '../../model/tokens/claims.ts'
import { resolveScope } from '../../model/tokens/scope.ts'
import { findLogin } from '../../model/users/store.ts'
import { issueToken } from '../tokens/issue.ts'

/** Milliseconds for which a signed request is accepted, so that an intercepted request soon becomes useless. */
const lifeMs = 15 * 60_000
const methods = ['ec2credential']

interface S3Credentials {
  access: string
  token: string
  signature: string
}

/**
 * POST /s3tokens: returns the token body for a signed S3 request, for the object store. Throws ResourceNotFound (404),
 * AuthenticationFailed (401).
 */
export async function authenticateS3(_context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const { credentials } = request.body as { credentials: S3Credentials }
  const { credential, blob } = await getKey(credentials.access, deps)
  const stringToSign = Buffer.from(credentials.token, 'base64url').toString('utf8')
  if (!isS3Signature(stringToSign, credentials.signature, blob.secret)) throw errors.AuthenticationFailed()
  return new Reply(200, { token: (await issueForKey(credential, blob, deps)).body })
}

/**
 * POST /ec2tokens: returns a token for a signed EC2 request. Throws ResourceNotFound (404), AuthenticationFailed (401).
 */
export async function authenticateEc2(_context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const body = request.body as { ec2Credentials?: SignedRequest; credentials?: SignedRequest }
  const signed = body.ec2Credentials ?? body.credentials
  if (!signed?.access || !signed.signature) throw invalid('Expecting to find ec2Credentials with access and signature.')
  const { credential, blob } = await getKey(signed.access, deps)
  if (!isEc2Signature(signed, blob.secret)) throw errors.AuthenticationFailed()
  assertRecent(signed)
  const { token, body: view } = await issueForKey(credential, blob, deps)
  return new Reply(200, { token: view }, { 'x-subject-token': token })
}

async function getKey(access: string, deps: Deps): Promise<{ credential: Credential; blob: Ec2Blob }> {
  const credential = await findCredential(deps.database.query, ec2Id(access))
  if (credential?.type !== 'ec2') throw notFound('credential', access)
  return { credential: credential!, blob: JSON.parse(credential!.blob) as Ec2Blob }
}

function assertRecent({ params = {}, headers = {} }: SignedRequest): void {
  const header = Object.entries(headers).find(([key]) => key.toLowerCase() === 'x-amz-date')?.[1]
  const text = params.Timestamp ?? params['X-Amz-Date'] ?? header
  if (text === undefined) return
  const compact = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)
  const time = compact ? `${compact.slice(1, 4).join('-')}T${compact.slice(4).join(':')}Z` : text
  const micros = parseTime(time)
  if (micros === null || Math.abs(Date.now() - micros / 1000) > lifeMs) throw errors.AuthenticationFailed()
}

/**
 * Returns a token for the key's project, limited by the trust or application credential under which the key was
 * created.
 */
async function issueForKey(credential: Credential, blob: Ec2Blob, deps: Deps) {
  const revision = await deps.tokens.revision()
  const proof = await proofBehind(credential, blob, deps)
  const wanted = blob.trust_id
    ? { 'OS-TRUST:trust': { id: blob.trust_id } }
    : proof.appCredential
      ? undefined
      : { project: { id: credential.projectId! } }
  return issueToken({ proof, scope: await resolveScope(proof, wanted, deps), revision, withCatalog: true }, deps)
}

async function proofBehind(credential: Credential, blob: Ec2Blob, deps: Deps): Promise<Proof> {
  const { query } = deps.database
  if (blob.app_cred_id) {
    const appCredential = await findAppCredential(query, blob.app_cred_id)
    if (appCredential?.userId !== credential.userId) throw errors.AuthenticationFailed()
    return proofOf(appCredential!, methods, deps)
  }
  const user = await findLogin(query, { id: credential.userId })
  assertEnabled(user, deps)
  return { user, methods }
}
