import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { own } from '@hearth/core'

/** Signed request of a client of the EC2 API, as the service that received it passes it on. */
export interface SignedRequest {
  access: string
  signature: string
  host?: string
  verb?: string
  path?: string
  params?: Record<string, string>
  headers?: Record<string, string>
  body_hash?: string
}

const hmac = (key: string | Buffer, text: string, hash = 'sha256'): Buffer =>
  createHmac(hash, key).update(text, 'utf8').digest()

/** Returns true when the texts are equal; compares in constant time. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * Returns true when the signature fits an S3 request's string-to-sign: version 4 when the string says so, else the
 * older HMAC-SHA1 in base64. Version 4 needs service `s3`, `iam` or `sts` and exactly four lines, so that no other text
 * signed with the key is accepted.
 */
export function isS3Signature(stringToSign: string, signature: string, secret: string): boolean {
  if (!stringToSign.startsWith('AWS4')) return isSame(hmac(secret, stringToSign, 'sha1').toString('base64'), signature)
  const lines = stringToSign.split('\n')
  const scope = (lines[2] ?? '').split('/')
  if (lines.length !== 4 || lines[0] !== 'AWS4-HMAC-SHA256' || scope.length !== 4) return false
  const [date, region, service] = scope as [string, string, string, string]
  if (!['s3', 'iam', 'sts'].includes(service)) return false
  return isSame(hmac(v4Key(secret, date, region, service), stringToSign).toString('hex'), signature)
}

function v4Key(secret: string, date: string, region: string, service: string): Buffer {
  return [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    (key, part) => hmac(key, part),
    `AWS4${secret}`,
  ) as Buffer
}

/** Returns true when the signature of an EC2 request is right: version 1, 2 or 4. */
export function isEc2Signature(request: SignedRequest, secret: string): boolean {
  const { params = {}, headers = {} } = request
  const authorization = headerOf(headers, 'authorization') ?? ''
  if (authorization.startsWith('AWS4-HMAC-SHA256') || params['X-Amz-Algorithm'] === 'AWS4-HMAC-SHA256')
    return isSame(signV4(request, secret, authorization), request.signature)
  if (params.SignatureVersion === '1') return isSame(signV1(params, secret), request.signature)
  if (params.SignatureVersion !== '2') return false
  const hosts = [request.host ?? '', (request.host ?? '').split(':')[0]!]
  return hosts.some((host) => isSame(signV2(request, host, secret), request.signature))
}

function headerOf(headers: Record<string, string>, name: string): string | undefined {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
}

function signV1(params: Record<string, string>, secret: string): string {
  const keys = Object.keys(params).sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))
  return hmac(secret, keys.map((key) => key + own(params, key)).join(''), 'sha1').toString('base64')
}

function signV2(request: SignedRequest, host: string, secret: string): string {
  const { verb = '', path = '', params = {} } = request
  const hash = params.SignatureMethod === 'HmacSHA1' ? 'sha1' : 'sha256'
  const text = [verb, host, path, canonicalQuery(params)].join('\n')
  return hmac(secret, text, hash).toString('base64')
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

function canonicalQuery(params: Record<string, string>): string {
  const keys = Object.keys(params).filter((key) => key !== 'Signature' && key !== 'X-Amz-Signature')
  return keys
    .sort()
    .map((key) => `${encode(key)}=${encode(own(params, key)!)}`)
    .join('&')
}

function signV4(request: SignedRequest, secret: string, authorization: string): string {
  const { verb = '', path = '', params = {}, headers = {}, body_hash = '' } = request
  const part = (name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(authorization)?.[1]
  const credential = part('Credential') ?? params['X-Amz-Credential'] ?? ''
  const signed = (part('SignedHeaders') ?? params['X-Amz-SignedHeaders'] ?? '').split(';')
  const [, date = '', region = '', service = ''] = credential.split('/')
  const canonicalHeaders = signed.map((name) => `${name}:${(headerOf(headers, name) ?? '').trim()}\n`).join('')
  const canonical = [verb, path, canonicalQuery(params), canonicalHeaders, signed.join(';'), body_hash].join('\n')
  const time = headerOf(headers, 'x-amz-date') ?? params['X-Amz-Date'] ?? ''
  const digest = createHash('sha256').update(canonical).digest('hex')
  const text = ['AWS4-HMAC-SHA256', time, `${date}/${region}/${service}/aws4_request`, digest].join('\n')
  return hmac(v4Key(secret, date, region, service), text).toString('hex')
}
