import { asciiJson, escapeXml } from '../../listings/format.ts'
import { derive, type Handler, type SwiftRequest } from '../../request.ts'
import { reasonOf, type SwiftResponse } from '../../response.ts'
import { ruledAnew } from '../keystone-auth/access-rules.ts'

export interface BulkResult {
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

/** Deletes objects and containers by path (`/container[/object]`, decoded), objects first. */
export async function deleteMany(request: SwiftRequest, paths: string[], handler: Handler): Promise<BulkResult> {
  const result: BulkResult = { deleted: 0, notFound: 0, errors: [], status: '200 OK', body: '' }
  const isObject = (path: string) => path.slice(1).includes('/')
  for (const group of [paths.filter(isObject), paths.filter((path) => !isObject(path))]) {
    let next = 0
    const worker = async () => {
      for (let index = next++; index < group.length && result.errors.length < maxFailures; index = next++)
        await deleteOne(request, group[index]!, handler, result)
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
  else
    result.errors.push([
      encodeURIComponent(path).replaceAll('%2F', '/'),
      `${response.status} ${reasonOf(response.status)}`,
    ])
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

/** Writes a bulk report as JSON, XML or text. */
export function bulkReport(request: SwiftRequest, report: Record<string, unknown>): SwiftResponse {
  const accept = request.headers.accept ?? ''
  if (accept.includes('json') || request.query.format === 'json')
    return { status: 200, headers: { 'content-type': 'application/json' }, body: asciiJson(report) }
  if (accept.includes('xml')) return { status: 200, headers: { 'content-type': 'text/xml' }, body: asXml(report) }
  const lines = Object.entries(report).flatMap(([key, value]) =>
    Array.isArray(value)
      ? [`${key}:`, ...value.map((pair) => (pair as string[]).join(', '))]
      : [`${key}: ${value as string}`],
  )
  return { status: 200, headers: { 'content-type': 'text/plain' }, body: `${lines.join('\n')}\n` }
}

function asXml(report: Record<string, unknown>): string {
  const tag = (key: string) => key.toLowerCase().replaceAll(' ', '_')
  const rows = Object.entries(report).map(([key, value]) => {
    if (!Array.isArray(value)) return `<${tag(key)}>${escapeXml(String(value))}</${tag(key)}>`
    const pairs = value.map(
      ([name, status]) => `<object><name>${escapeXml(name)}</name><status>${escapeXml(status)}</status></object>`,
    )
    return `<errors>${pairs.join('')}</errors>`
  })
  return `<delete>${rows.join('')}</delete>`
}
