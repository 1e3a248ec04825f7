import { answer, Refusal, refuse, type SwiftResponse } from '../../../model/response.ts'
import type { Handler, SwiftRequest } from '../../request.ts'
import type { Feature } from '../feature.ts'
import { deleteMany, maxDeletes, reportOf } from './delete-many.ts'
import { extractArchive, maxContainers, maxFailedFiles } from './extract.ts'
import { readLines } from './lines.ts'
import { bulkReport, statusText } from './report.ts'

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
  wrap: (next, deps) => async (request) => {
    const asked = request.query['extract-archive']
    if (asked === undefined || request.method !== 'PUT') return next(request)
    const format = asked.toLowerCase().replace(/^\.+|\.+$/g, '')
    if (format === 'tar' || format === 'tar.gz') return extractArchive(request, format, next, deps)
    return answer(400, { text: 'Unsupported archive format' })
  },
}

async function onBulkDelete(request: SwiftRequest, next: Handler): Promise<SwiftResponse> {
  try {
    // Only a caller with a token can delete; the right to each path is checked when it is deleted.
    if (request.identity === null) throw refuse(401)
    const type = request.headers['content-type']
    if (type && !type.startsWith('text/plain')) throw refuse(406, 'Content-Type must be text/plain')
    if (request.length === null && !request.chunked) throw refuse(411)
    const lines = await readLines(request.body, maxDeletes)
    const paths = lines.map((line) => `/${unquote(line).replace(/^\/+/, '')}`)
    return reportOf(request, await deleteMany(request, paths, next))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const { status, body } = error.response
    return bulkReport(request, {
      'Number Deleted': 0,
      'Number Not Found': 0,
      'Response Status': statusText(status),
      'Response Body': typeof body === 'string' ? body : '',
      Errors: [],
    })
  }
}

function unquote(line: string): string {
  try {
    return decodeURIComponent(line)
  } catch {
    return line
  }
}
