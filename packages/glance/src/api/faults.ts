import type { HearthError } from '@hearth/core'
import type { Faults } from '@hearth/http'
import { acceptPatch } from './images/patch.ts'
import { versionsDocument } from './versions/versions.ts'

const titles: Record<number, string> = {
  300: 'Multiple Choices',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Range Not Satisfiable',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
}

/**
 * Formats errors as Glance does: without an envelope of its own, as webob formats an HTTP exception: HTML, or JSON
 * where Accept prefers it. A path without a version returns the versions document.
 */
export const faults =
  (options: { cache: boolean }): Faults =>
  (error, request) => {
    if (
      error.code === 'NotFound' &&
      error.message.startsWith('The resource') &&
      !/^\/v2(\.\d+)?(\/|$)/.test(request.url)
    ) {
      return { status: 300, body: versionsDocument(request.baseUrl, options.cache) }
    }
    const status = statusOf(error, request.method)
    const headers: Record<string, string> = {
      ...(status === 415 && request.method === 'PATCH' ? acceptPatch : {}),
      ...(status === 401 ? { 'www-authenticate': 'Keystone uri="/identity"' } : {}),
    }
    const title = titles[status] ?? 'Error'
    if (prefersJson(String(request.headers.accept ?? ''))) {
      return {
        status,
        body: { message: `${error.message}<br /><br />\n\n\n`, code: `${status} ${title}`, title },
        headers,
      }
    }
    return { status, body: page(`${status} ${title}`, error.message), headers }
  }

function statusOf(error: HearthError, method: string): number {
  if (error.code === 'UnsupportedContentType' && method === 'PATCH') return 415
  return error.status
}

/** HTML unless JSON is named and HTML is not, or is wanted less. */
function prefersJson(accept: string): boolean {
  const quality = (type: string) => {
    const found = accept
      .split(',')
      .map((part) => part.trim())
      .find((part) => part.split(';')[0]?.trim() === type)
    return found ? Number(/;\s*q=([\d.]+)/.exec(found)?.[1] ?? 1) : 0
  }
  return quality('application/json') > quality('text/html')
}

function page(title: string, message: string): string {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `<html>\n <head>\n  <title>${title}</title>\n </head>\n <body>\n  <h1>${title}</h1>\n  ${escaped}<br /><br />\n\n\n </body>\n</html>`
}
