import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { setOwn } from '@hearth/core'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import { Refusal, reasonOf, type SwiftResponse } from '../../response.ts'
import { ruledAnew } from '../keystone-auth/access-rules.ts'
import { bulkReport } from './delete-many.ts'
import { type ArchiveFile, readTar } from './tar.ts'

export const maxContainers = 10_000
export const maxFailedFiles = 1000

interface Extraction {
  created: number
  errors: [string, string][]
  containers: Set<string>
  status: string
  body: string
}

/** Stores each file of the archive as an object below the request's path, making containers. Answers a report. */
export async function extractArchive(request: SwiftRequest, next: Handler): Promise<SwiftResponse> {
  const format = request.query['extract-archive'] ?? ''
  const result: Extraction = { created: 0, errors: [], containers: new Set(), status: '201 Created', body: '' }
  try {
    for await (const file of readTar(unpack(request, format))) {
      await storeFile(request, file, next, result)
      if (result.errors.length >= maxFailedFiles) break
    }
    if (result.errors.length > 0) result.status = '400 Bad Request'
    else if (result.created === 0)
      Object.assign(result, { status: '400 Bad Request', body: 'Invalid Tar File: No Valid Files' })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { status, body } = error.response
    Object.assign(result, { status: `${status} ${reasonOf(status)}`, body: typeof body === 'string' ? body : '' })
  }
  return bulkReport(request, {
    'Number Files Created': result.created,
    'Response Status': result.status,
    'Response Body': result.body,
    Errors: result.errors,
  })
}

function unpack(request: SwiftRequest, format: string): AsyncIterable<Buffer> {
  if (format === 'tar') return request.body
  const source = Readable.from(request.body)
  const gunzip = createGunzip()
  source.on('error', (error) => gunzip.destroy(error))
  return source.pipe(gunzip)
}

async function storeFile(request: SwiftRequest, file: ArchiveFile, next: Handler, result: Extraction): Promise<void> {
  const path = [request.container, request.object, file.path.replace(/^\.?\/+/, '')].filter((part) => part).join('/')
  const [container = '', ...rest] = path.split('/')
  const object = rest.join('/')
  if (!container || !object) return
  const fail = (response: SwiftResponse) => {
    result.errors.push([
      encodeURIComponent(path).replaceAll('%2F', '/'),
      `${response.status} ${reasonOf(response.status)}`,
    ])
    if (response.status === 401) throw new Refusal(response)
  }
  if (!result.containers.has(container)) {
    const making = derive(request, { method: 'PUT', container, object: null, headers: {} })
    const made = await settled(next(ruledAnew(making)))
    if (made.status >= 300) return fail(made)
    result.containers.add(container)
  }
  const put = derive(request, {
    method: 'PUT',
    container,
    object,
    headers: headersOf(file),
    body: file.body,
    length: file.size,
  })
  const stored = await settled(next(ruledAnew(put)))
  if (stored.status >= 300) fail(stored)
  else result.created++
}

async function settled(work: Promise<SwiftResponse>): Promise<SwiftResponse> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Refusal) return error.response
    throw error
  }
}

/** Extended attributes that `tar --xattrs` stores become content type and metadata. */
function headersOf(file: ArchiveFile): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(file.attributes)) {
    const key = name.replace(/^(SCHILY|LIBARCHIVE)\.xattr\./, '')
    if (key === 'user.mime_type') headers['content-type'] = value
    if (key.startsWith('user.meta.'))
      setOwn(headers, `x-object-meta-${key.slice('user.meta.'.length).toLowerCase()}`, value)
  }
  return headers
}
