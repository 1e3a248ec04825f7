import type { Handler } from '../../request.ts'
import { readAll, type SwiftRequest } from '../../request.ts'
import type { SwiftResponse } from '../../response.ts'
import type { Feature } from '../feature.ts'
import { bulkReport, deleteMany, maxDeletes, reportOf } from './delete-many.ts'
import { extractArchive, maxContainers, maxFailedFiles } from './extract.ts'

/** Many deletions in one request. */
export const bulkDelete: Feature = {
  name: 'bulk_delete',
  capability: { max_deletes_per_request: maxDeletes, max_failed_deletes: 1000 },
  wrap: (next) => async (request) => {
    const asked = request.query['bulk-delete'] !== undefined && ['POST', 'DELETE'].includes(request.method)
    return asked ? onBulkDelete(request, next) : next(request)
  },
}

/** An archive stored as objects. */
export const bulkUpload: Feature = {
  name: 'bulk_upload',
  capability: { max_containers_per_extraction: maxContainers, max_failed_extractions: maxFailedFiles },
  wrap: (next) => async (request) => {
    const format = request.query['extract-archive']
    if (format === undefined || request.method !== 'PUT') return next(request)
    if (['tar', 'tar.gz'].includes(format)) return extractArchive(request, next)
    return { status: 400, headers: { 'content-type': 'text/plain' }, body: 'Unsupported archive format' }
  },
}

const maxListBytes = maxDeletes * 2 * 1500

async function onBulkDelete(request: SwiftRequest, next: Handler): Promise<SwiftResponse> {
  const refused = (status: string, body: string) =>
    bulkReport(request, {
      'Number Deleted': 0,
      'Number Not Found': 0,
      'Response Status': status,
      'Response Body': body,
      Errors: [],
    })
  const type = request.headers['content-type']
  if (type && !type.startsWith('text/plain')) return refused('406 Not Acceptable', 'Content-Type must be text/plain')
  const body = await readAll(request.body, maxListBytes)
  const lines = body
    ?.toString('utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  if (!lines || lines.length > maxDeletes)
    return refused('413 Request Entity Too Large', `Maximum Bulk Deletes: ${maxDeletes} per request`)
  const paths = lines.map((line) => `/${unquote(line).replace(/^\/+/, '')}`)
  return reportOf(request, await deleteMany(request, paths, next))
}

function unquote(line: string): string {
  try {
    return decodeURIComponent(line)
  } catch {
    return line
  }
}
