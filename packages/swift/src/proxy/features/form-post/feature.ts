import { answer, Refusal, reasonOf, type SwiftResponse } from '../../../model/response.ts'
import type { ProxyDeps } from '../../deps.ts'
import { escapeXml } from '../../listings/format.ts'
import { type Authorize, derive, type Handler, preauthorize, readAll, type SwiftRequest } from '../../request.ts'
import { digestCapability, isSigned } from '../digest.ts'
import type { Feature } from '../feature.ts'
import { type SigningKeys, signingKeys } from '../temp-url/keys.ts'
import { dispositionOf, MultipartError, type Part, readParts } from './multipart.ts'

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

/** The longest value of a field, Swift's formpost.py. */
const maxField = 4096
const maxFields = 100
/** Names and values of all fields, bytes. */
const maxFieldBytes = 64 * 1024

class FormError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

interface Form {
  fields: Map<string, string>
  keys: SigningKeys
  /** URL to which the browser is redirected; null until the signature has been checked. */
  redirect: string | null
}

async function onForm(request: SwiftRequest, boundary: string, next: Handler, deps: ProxyDeps): Promise<SwiftResponse> {
  const form: Form = { fields: new Map(), keys: await signingKeys(request, deps), redirect: null }
  if (form.keys.account.length + form.keys.container.length === 0) return denied('Invalid Signature')
  try {
    await readForm(request, boundary, form, next)
    return finish(form, 201, '')
  } catch (error) {
    if (error instanceof MultipartError) return answer(400, { text: `FormPost: ${error.message}` })
    if (error instanceof FormError)
      return error.status === 401 ? denied(error.message) : finish(form, error.status, error.message)
    if (error instanceof Refusal) return finish(form, error.response.status, reasonOf(error.response.status))
    throw error
  }
}

const denied = (message: string) =>
  answer(401, { text: `FormPost: ${message}`, headers: { 'www-authenticate': 'Swift realm="unknown"' } })

async function readForm(request: SwiftRequest, boundary: string, form: Form, next: Handler): Promise<void> {
  const { fields } = form
  let files = 0
  let count = 0
  let size = 0
  for await (const part of readParts(request.body, boundary)) {
    const disposition = dispositionOf(part.headers.get('content-disposition'))
    const filename = disposition.get('filename')
    if (filename === undefined || filename === '') {
      if (++count > maxFields) throw new FormError(400, `more than ${maxFields} fields`)
      if (filename === '') continue
      const name = (disposition.get('name') ?? '').toLowerCase()
      const value = await readAll(part.data, maxField)
      if (value === null) throw new FormError(400, `field ${name.slice(0, 100)} is too long`)
      size += name.length + value.length
      if (size > maxFieldBytes) throw new FormError(400, 'the fields are too long')
      fields.set(name, value.toString('utf8'))
      continue
    }
    // Fields may come between files: each file needs the signature of what the form says by then.
    const authorize = check(request, form)
    if (++files > Number(fields.get('max_file_count'))) throw new FormError(400, 'max file count exceeded')
    await storeFile(preauthorize(request, authorize), part, filename, fields, next)
  }
  if (files > 0) return
  check(request, form)
  throw new FormError(400, 'no files to process')
}

/** Returns what the signer's key opens. Throws a 400 or 401. */
function check(request: SwiftRequest, form: Form): Authorize {
  const { account, container, object } = request
  const field = (name: string, fallback: string) => form.fields.get(name) ?? fallback
  const [most, count, expires] = [field('max_file_size', '0'), field('max_file_count', '0'), field('expires', '0')]
  if (!/^\d+$/.test(count) || !/^\d+$/.test(most))
    throw new FormError(400, 'max_file_size and max_file_count must be numbers')
  if (!/^\d+$/.test(expires)) throw new FormError(400, 'expired not an integer')
  if (Number(expires) < Date.now() / 1000) throw new FormError(401, 'Form Expired')
  const path = `/v1/${account}/${container}${object === null ? (request.slash ? '/' : '') : `/${object}`}`
  const redirect = field('redirect', '')
  const text = [path, redirect, most, count, expires].join('\n')
  const byAccount = isSigned(text, field('signature', ''), form.keys.account)
  if (!byAccount && !isSigned(text, field('signature', ''), form.keys.container))
    throw new FormError(401, 'Invalid Signature')
  form.redirect = redirect
  return (asked) =>
    asked.account === account && (byAccount || asked.container === container) ? null : denied('Invalid Signature')
}

async function storeFile(
  request: SwiftRequest,
  part: Part,
  filename: string,
  fields: ReadonlyMap<string, string>,
  next: Handler,
): Promise<void> {
  const headers: Record<string, string> = {}
  for (const [name, value] of [
    ['content-type', part.headers.get('content-type') ?? fields.get('content-type')],
    ['content-encoding', part.headers.get('content-encoding') ?? fields.get('content-encoding')],
    ['x-delete-at', fields.get('x_delete_at')],
    ['x-delete-after', fields.get('x_delete_after')],
  ] as const)
    if (value) headers[name] = value
  const put = derive(request, {
    method: 'PUT',
    object: `${request.object ?? ''}${filename}`,
    headers,
    body: limited(part.data, Number(fields.get('max_file_size'))),
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

/** A page, or the redirect that was signed. */
function finish({ redirect }: Form, status: number, message: string): SwiftResponse {
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
