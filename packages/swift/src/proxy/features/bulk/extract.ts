import { answer, Refusal, refuse, type SwiftResponse } from '../../../model/response.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import type { ProxyDeps } from '../../deps.ts'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import { ruledAnew } from '../keystone-auth/access-rules.ts'
import { ArchiveError, type ArchiveFile, readArchive } from './archive.ts'
import { bulkReport, statusText } from './report.ts'

export const maxContainers = 10_000
export const maxFailedFiles = 1000

interface Extraction {
  created: number
  errors: [string, string][]
  /** Containers that exist, or could not be looked at, with why not. */
  containers: Map<string, [path: string, status: string] | null>
  containersMade: number
  failed: number
  status: string
  body: string
}

/**
 * Stores each file of the archive as an object below the request's path, and creates containers. Returns a report: a
 * 200 with the real status inside. Checks the caller's right to write there before it reads the archive.
 */
export async function extractArchive(
  request: SwiftRequest,
  format: 'tar' | 'tar.gz',
  next: Handler,
  deps: ProxyDeps,
): Promise<SwiftResponse> {
  const result: Extraction = {
    ...{ created: 0, errors: [], containers: new Map(), containersMade: 0 },
    ...{ failed: 400, status: statusText(201), body: '' },
  }
  try {
    if (request.length === null && !request.chunked) throw refuse(411)
    await checkMayWrite(request, deps)
    await storeAll(request, format, next, result)
    if (result.errors.length > 0) result.status = statusText(result.failed)
    else if (result.created === 0)
      Object.assign(result, { status: statusText(400), body: 'Invalid Tar File: No Valid Files' })
  } catch (error) {
    const { status, body } = error instanceof ArchiveError ? notArchive(error) : responseOf(error)
    Object.assign(result, { status: statusText(status), body: typeof body === 'string' ? body : '' })
  }
  return bulkReport(request, {
    'Number Files Created': result.created,
    'Response Status': result.status,
    'Response Body': result.body,
    Errors: result.errors,
  })
}

const notArchive = (error: ArchiveError) => answer(400, { text: `Invalid Tar File: ${error.message}` })

function responseOf(error: unknown): SwiftResponse {
  if (error instanceof Refusal) return error.response
  throw error
}

/** Throws a 401 or 403 when the caller may not write where the request points. */
async function checkMayWrite(request: SwiftRequest, deps: ProxyDeps): Promise<void> {
  const { account, container } = request
  const found = container === null ? null : await findContainer(deps, account, container)
  const denied = await request.authorize(request, { acl: metadataOf(found, 'x-container-write') })
  if (denied) throw new Refusal(denied)
}

async function storeAll(request: SwiftRequest, format: string, next: Handler, result: Extraction): Promise<void> {
  for await (const file of readArchive(request.body, format === 'tar.gz')) {
    if (request.gone.aborted) throw refuse(499)
    await storeFile(request, file, next, result)
    if (result.errors.length >= maxFailedFiles) return
  }
}

async function storeFile(request: SwiftRequest, file: ArchiveFile, next: Handler, result: Extraction): Promise<void> {
  const path = [request.container, request.object, file.path.replace(/^\.?\/+/, '')].filter((part) => part).join('/')
  const [container = '', ...rest] = path.split('/')
  const object = rest.join('/')
  if (!container || !object) return
  const headers = headersOf(file)
  if (headers === null) {
    result.errors.push([quoted(path), statusText(400)])
    return
  }
  if (!result.containers.has(container))
    result.containers.set(container, await ensure(request, container, next, result))
  const put = derive(request, { method: 'PUT', container, object, headers, body: file.body, length: file.size })
  const { status } = await settled(next(ruledAnew(put)))
  if (status < 300) {
    result.created++
    return
  }
  const failure = result.containers.get(container)
  if (failure) result.errors.push(failure)
  result.errors.push([quoted(path), statusText(status)])
  if (status >= 500) result.failed = 502
  if (status === 401) throw refuse(401)
}

/**
 * Creates a container if it does not exist. Returns the reason of a failure, or null; an object may still be written
 * where an access list allows it. Throws 400 above the number of containers that one archive may create.
 */
async function ensure(
  request: SwiftRequest,
  container: string,
  next: Handler,
  result: Extraction,
): Promise<[path: string, status: string] | null> {
  const ask = (method: string) =>
    settled(next(ruledAnew(derive(request, { method, container, object: null, headers: {} }))))
  let { status } = await ask('HEAD')
  if (status === 404) {
    if (result.containersMade >= maxContainers)
      throw refuse(400, `More than ${maxContainers} containers to create from tar.`)
    ;({ status } = await ask('PUT'))
    if (status < 300) result.containersMade++
  }
  if (status === 401) throw refuse(401)
  return status < 300 ? null : [quoted(container), statusText(status)]
}

const quoted = (path: string): string => encodeURIComponent(path.slice(0, 1500)).replaceAll('%2F', '/')

async function settled(work: Promise<SwiftResponse>): Promise<SwiftResponse> {
  try {
    return await work
  } catch (error) {
    return responseOf(error)
  }
}

/** Extended attributes that `tar --xattrs` stores become content type and metadata. Null when one is no header name. */
function headersOf(file: ArchiveFile): Record<string, string> | null {
  const headers = new Map<string, string>()
  for (const [name, value] of file.attributes) {
    const key = name.replace(/^(SCHILY|LIBARCHIVE)\.xattr\./, '')
    if (key === 'user.mime_type') headers.set('content-type', value)
    if (!key.startsWith('user.meta.')) continue
    const header = key.slice('user.meta.'.length).toLowerCase().replaceAll('_', '-')
    if (!/^[!#$%&'*+.^`|~\w-]+$/.test(header)) return null
    headers.set(`x-object-meta-${header}`, value)
  }
  return Object.fromEntries(headers)
}
