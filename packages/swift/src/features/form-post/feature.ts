import { setOwn } from '@hearth/core'
import type { ProxyDeps } from '../../deps.ts'
import { escapeXml } from '../../listings/format.ts'
import { type Authorize, derive, type Handler, readAll, type SwiftRequest } from '../../request.ts'
import { answer, Refusal, reasonOf, type SwiftResponse } from '../../response.ts'
import { digestCapability, isSigned } from '../digest.ts'
import type { Feature } from '../feature.ts'
import { signingKeys } from '../temp-url/keys.ts'
import { dispositionOf, type Part, readParts } from './multipart.ts'

/** Uploads from an HTML form that the account's owner has signed. */
export const formPost: Feature = {
  name: 'formpost',
  capability: digestCapability,
  wrap: (next, deps) => async (request) => {
    const type = request.headers['content-type'] ?? ''
    if (request.method !== 'POST' || request.container === null || !/^multipart\/form-data/i.test(type))
      return next(request)
    const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1]
    if (!boundary) return answer(400, { text: 'FormPost: invalid starting boundary' })
    return onForm(request, boundary, next, deps)
  },
}

const maxField = 4096

class FormError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

async function onForm(request: SwiftRequest, boundary: string, next: Handler, deps: ProxyDeps): Promise<SwiftResponse> {
  const fields: Record<string, string> = {}
  try {
    await readForm(request, boundary, fields, next, deps)
    return finish(fields, 201, '')
  } catch (error) {
    if (error instanceof FormError)
      return error.status === 401 ? denied(error.message) : finish(fields, error.status, error.message)
    if (error instanceof Refusal) return finish(fields, error.response.status, reasonOf(error.response.status))
    throw error
  }
}

const denied = (message: string) =>
  answer(401, { text: `FormPost: ${message}`, headers: { 'www-authenticate': 'Swift realm="unknown"' } })

async function readForm(
  request: SwiftRequest,
  boundary: string,
  fields: Record<string, string>,
  next: Handler,
  deps: ProxyDeps,
): Promise<void> {
  let preauthorized: Authorize | null = null
  let files = 0
  for await (const part of readParts(request.body, boundary)) {
    const { name = '', filename } = dispositionOf(part.headers['content-disposition'])
    if (filename === undefined) {
      const value = await readAll(part.data, maxField)
      if (value === null) throw new FormError(400, `field ${name} is too long`)
      setOwn(fields, name.toLowerCase(), value.toString('utf8'))
      continue
    }
    if (filename === '') continue
    preauthorized ??= await check(request, fields, deps)
    files++
    if (files > Number(fields.max_file_count)) throw new FormError(400, 'max file count exceeded')
    await storeFile({ ...request, preauthorized }, part, filename, fields, next)
  }
  if (files === 0) throw new FormError(400, 'no files to process')
}

async function check(request: SwiftRequest, fields: Record<string, string>, deps: ProxyDeps): Promise<Authorize> {
  const { account, container, object } = request
  const { redirect = '', max_file_size = '0', max_file_count = '0', expires = '0', signature = '' } = fields
  if (!/^\d+$/.test(max_file_count) || !/^\d+$/.test(max_file_size))
    throw new FormError(400, 'max_file_size and max_file_count must be numbers')
  if (Number(expires) < Date.now() / 1000) throw new FormError(401, 'Form Expired')
  const path = `/v1/${account}/${container}${object === null ? (request.slash ? '/' : '') : `/${object}`}`
  const text = [path, redirect, max_file_size, max_file_count, expires].join('\n')
  const keys = await signingKeys(request, deps)
  const byAccount = isSigned(text, signature, keys.account)
  if (!byAccount && !isSigned(text, signature, keys.container)) throw new FormError(401, 'Invalid Signature')
  return (asked) =>
    asked.account === account && (byAccount || asked.container === container) ? null : denied('Invalid Signature')
}

async function storeFile(
  request: SwiftRequest,
  part: Part,
  filename: string,
  fields: Record<string, string>,
  next: Handler,
): Promise<void> {
  const headers: Record<string, string> = {}
  for (const [name, value] of [
    ['content-type', part.headers['content-type'] ?? fields['content-type']],
    ['content-encoding', part.headers['content-encoding'] ?? fields['content-encoding']],
    ['x-delete-at', fields.x_delete_at],
    ['x-delete-after', fields.x_delete_after],
  ] as const)
    if (value) headers[name] = value
  const put = derive(request, {
    method: 'PUT',
    object: `${request.object ?? ''}${filename}`,
    headers,
    body: limited(part.data, Number(fields.max_file_size)),
    length: null,
    chunked: true,
  })
  const response = await next(put)
  if (response.status >= 300) throw new FormError(response.status, reasonOf(response.status))
}

async function* limited(data: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let size = 0
  for await (const piece of data) {
    size += piece.length
    if (size > most) throw new FormError(413, 'max_file_size exceeded')
    yield piece
  }
}

/** A page, or the redirect that the form asks for. */
function finish(fields: Record<string, string>, status: number, message: string): SwiftResponse {
  const { redirect } = fields
  if (!redirect) {
    const body = `<html><body><p>${status} ${reasonOf(status)}</p><p>FormPost: ${escapeXml(message)}</p></body></html>`
    return { status, headers: { 'content-type': 'text/html; charset=UTF-8' }, body }
  }
  const mark = redirect.includes('?') ? '&' : '?'
  const location = `${redirect}${mark}status=${status}&message=${encodeURIComponent(message)}`
  return {
    ...answer(303, { headers: { location } }),
    body: `<html><body><p><a href="${escapeXml(location)}">Click to continue...</a></p></body></html>`,
  }
}
