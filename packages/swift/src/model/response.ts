/** Data of which any part can be read. */
export interface Content {
  /** Null when only reading to the end would tell. */
  size: number | null
  /** Bytes [start, end). */
  read(start: number, end: number): AsyncIterable<Buffer>
}

/** A response. Header names are in lower case here and get their capitals on the wire. */
export interface SwiftResponse {
  status: number
  headers: Record<string, string>
  body?: string | Buffer | AsyncIterable<Buffer>
  /** An object's data, to which Range and If- headers are still to be applied. */
  content?: Content
}

/** Title and sentence of each status, the page that Swift's errors carry. */
const reasons: Record<number, [title: string, sentence: string]> = {
  200: ['OK', ''],
  201: ['Created', ''],
  202: ['Accepted', 'The request is accepted for processing.'],
  204: ['No Content', ''],
  206: ['Partial Content', ''],
  301: ['Moved Permanently', 'The resource has moved permanently.'],
  302: ['Found', 'The resource has moved temporarily.'],
  303: ['See Other', 'The response to the request can be found under a different URI.'],
  304: ['Not Modified', ''],
  307: ['Temporary Redirect', 'The resource has moved temporarily.'],
  400: [
    'Bad Request',
    'The server could not comply with the request since it is either malformed or otherwise incorrect.',
  ],
  401: ['Unauthorized', 'This server could not verify that you are authorized to access the document you requested.'],
  403: ['Forbidden', 'Access was denied to this resource.'],
  404: ['Not Found', 'The resource could not be found.'],
  405: ['Method Not Allowed', 'The method is not allowed for this resource.'],
  406: ['Not Acceptable', 'The resource is not available in a format acceptable to your browser.'],
  408: ['Request Timeout', 'The server has waited too long for the request to be sent by the client.'],
  409: ['Conflict', 'There was a conflict when trying to complete your request.'],
  410: ['Gone', 'This resource is no longer available.'],
  411: ['Length Required', 'Content-Length header required.'],
  412: ['Precondition Failed', 'A precondition for this request was not met.'],
  413: ['Request Entity Too Large', 'The body of your request was too large for this server.'],
  414: ['Request URI Too Long', 'The request URI was too long for this server.'],
  416: ['Requested Range Not Satisfiable', 'The Range requested is not available.'],
  422: ['Unprocessable Entity', 'Unable to process the contained instructions'],
  431: ['Request Header Fields Too Large', 'The headers of your request were too large for this server.'],
  499: ['Client Disconnect', 'The client was disconnected during request.'],
  500: ['Internal Error', 'The server has either erred or is incapable of performing the requested operation.'],
  501: ['Not Implemented', 'The requested method is not implemented by this server.'],
  502: ['Bad Gateway', 'Bad gateway.'],
  503: ['Service Unavailable', 'The server is currently unavailable. Please try again at a later time.'],
  507: ['Insufficient Storage', 'There was not enough space to save the resource. Drive: unknown'],
}

/** Returns the reason phrase of a status. */
export const reasonOf = (status: number): string => reasons[status]?.[0] ?? 'Unknown'

/** Returns a response with the standard page of its status, or with a text of its own. */
export function answer(
  status: number,
  options: { text?: string; headers?: Record<string, string> } = {},
): SwiftResponse {
  const sentence = reasons[status]?.[1]
  const page = sentence ? `<html><h1>${reasonOf(status)}</h1><p>${sentence}</p></html>` : ''
  const type = options.text === undefined ? 'text/html; charset=UTF-8' : 'text/plain'
  return {
    status,
    headers: { 'content-type': type, ...options.headers },
    body: status === 204 || status === 304 ? '' : (options.text ?? page),
  }
}

/** Thrown to end a request with this response. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly response: SwiftResponse

  constructor(response: SwiftResponse) {
    super(`refused with ${response.status}`)
    this.response = response
  }
}

/** Returns an error that ends a request with this status, and text in place of the standard page. */
export const refuse = (status: number, text?: string, headers?: Record<string, string>): Refusal =>
  new Refusal(answer(status, { ...(text === undefined ? {} : { text }), ...(headers ? { headers } : {}) }))
