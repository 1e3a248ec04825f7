import type { SwiftResponse } from '../../../model/response.ts'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import { ruledAnew } from '../keystone-auth/access-rules.ts'
import { bulkReport, statusText } from './report.ts'

interface BulkResult {
  deleted: number
  notFound: number
  /** Path and status of what failed. */
  errors: [path: string, status: string][]
  /** Overall status and message. */
  status: string
  body: string
}

export const maxDeletes = 10_000
const maxFailures = 1000
/** Deletions under way at once. */
const concurrency = 8

/**
 * Deletes objects and containers by path (`/container[/object]`, decoded), objects first. Stops when the client
 * disconnects.
 */
export async function deleteMany(request: SwiftRequest, paths: string[], handler: Handler): Promise<BulkResult> {
  const result: BulkResult = { deleted: 0, notFound: 0, errors: [], status: '200 OK', body: '' }
  const isObject = (path: string) => path.slice(1).includes('/')
  for (const group of [paths.filter(isObject), paths.filter((path) => !isObject(path))]) {
    let next = 0
    const worker = async () => {
      for (let index = next++; index < group.length && result.errors.length < maxFailures; index = next++) {
        if (request.gone.aborted) return
        await deleteOne(request, group[index]!, handler, result)
      }
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
  }
  if (result.errors.length >= maxFailures)
    Object.assign(result, { status: '413 Request Entity Too Large', body: 'Max delete failures exceeded' })
  else if (result.errors.length > 0) result.status = '400 Bad Request'
  else if (result.deleted === 0 && result.notFound === 0)
    Object.assign(result, { status: '400 Bad Request', body: 'Invalid bulk delete.' })
  return result
}

async function deleteOne(request: SwiftRequest, path: string, handler: Handler, result: BulkResult): Promise<void> {
  const [, container = '', ...rest] = path.split('/')
  const object = rest.length > 0 && rest.join('/') !== '' ? rest.join('/') : null
  const asked = ruledAnew(derive(request, { method: 'DELETE', container, object, headers: {} }))
  const response = await handler(asked).catch(
    (error: unknown) => (error as { response?: SwiftResponse }).response ?? { status: 500, headers: {} },
  )
  if (response.status < 300) result.deleted++
  else if (response.status === 404) result.notFound++
  else result.errors.push([encodeURIComponent(path).replaceAll('%2F', '/'), statusText(response.status)])
}

/** The report as the client accepts it; always a 200, the real status is inside. */
export function reportOf(request: SwiftRequest, result: BulkResult): SwiftResponse {
  return bulkReport(request, {
    'Number Deleted': result.deleted,
    'Number Not Found': result.notFound,
    'Response Status': result.status,
    'Response Body': result.body,
    Errors: result.errors,
  })
}
