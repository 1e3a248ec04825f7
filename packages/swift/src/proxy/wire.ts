import { randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { refuse } from '../model/response.ts'

/** `tx`, 21 hex digits, a dash and the time as 10 hex digits. */
export const transactionId = (): string =>
  `tx${randomBytes(11).toString('hex').slice(0, 21)}-${Math.floor(Date.now() / 1000)
    .toString(16)
    .padStart(10, '0')}`

/**
 * Decodes percent escapes strictly as UTF-8; leaves bad escapes unchanged, as Swift does. Throws 412 for other bytes
 * and for NUL.
 */
export function decodePath(raw: string): string {
  const bytes = Buffer.from(
    raw.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Falls through to the refusal.
  }
  throw refuse(412, 'Invalid UTF8 or contains NULL')
}

/** The longest request line and the longest header line, bytes; eventlet's defaults, with which Swift runs. */
const longestLine = 8192

/**
 * Throws the refusals of Swift's web server, before any feature runs: 414 for a long URL, 431 for too many or too long
 * headers, 501 for a Transfer-Encoding other than chunked.
 */
export function checkHead(message: IncomingMessage, mostHeaders: number): void {
  if ((message.url ?? '').length > longestLine) throw refuse(414)
  const { rawHeaders } = message
  if (rawHeaders.length / 2 > mostHeaders) throw refuse(431, `Too many headers; max ${mostHeaders}`)
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]!.length + rawHeaders[at + 1]!.length > longestLine)
      throw refuse(431, `Header line too long: ${rawHeaders[at]!.slice(0, 128)}`)
  const encoding = message.headers['transfer-encoding']
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'chunked')
    throw refuse(501, 'Unsupported Transfer-Encoding; only chunked is known')
}

const metadataName = /^x-(remove-)?(account|container|object)-meta-/
/** Metadata that decides something: quotas, keys, access of other sites, web pages. */
const decisive = /-meta-(temp-url-key|quota-|access-control-|web-)/

/**
 * Returns headers by lower-case name, with values as UTF-8. An underscore in the name of user metadata becomes a dash,
 * as in WSGI; other names with an underscore are dropped, so that they cannot pass a proxy's filter and count as the
 * name with dashes here.
 */
export function readHeaders(message: IncomingMessage): Record<string, string> {
  const headers = new Map<string, string>()
  const underscored: [name: string, text: string][] = []
  for (const [name, value] of Object.entries(message.headers)) {
    const joined = Array.isArray(value) ? value.join(', ') : (value ?? '')
    const text = isAscii(joined) ? joined : Buffer.from(joined, 'latin1').toString('utf8')
    if (!name.includes('_')) headers.set(name, text)
    else if (metadataName.test(name)) underscored.push([name.replaceAll('_', '-'), text])
  }
  for (const [name, text] of underscored) if (!decisive.test(name) && !headers.has(name)) headers.set(name, text)
  return Object.fromEntries(headers)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ascii = /^[\u0000-\u007f]*$/

/** Returns true if the text contains ASCII characters only. */
export const isAscii = (text: string): boolean => ascii.test(text)
