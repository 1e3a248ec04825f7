import { reasonOf, type SwiftResponse } from '../../../model/response.ts'
import { asciiJson, escapeXml } from '../../listings/format.ts'
import type { SwiftRequest } from '../../request.ts'

/** `404 Not Found` */
export const statusText = (status: number): string => `${status} ${reasonOf(status)}`

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
