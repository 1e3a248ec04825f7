import { own } from '@hearth/core'
import { isTrue } from '../request.ts'

/** Types of common file name endings; anything else is a stream of bytes. */
const types: Record<string, string> = {
  avi: 'video/x-msvideo',
  bin: 'application/octet-stream',
  bmp: 'image/bmp',
  css: 'text/css',
  csv: 'text/csv',
  doc: 'application/msword',
  gif: 'image/gif',
  gz: 'application/gzip',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/vnd.microsoft.icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  md: 'text/markdown',
  mjs: 'text/javascript',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  pdf: 'application/pdf',
  png: 'image/png',
  ps: 'application/postscript',
  py: 'text/x-python',
  sh: 'application/x-sh',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  wasm: 'application/wasm',
  wav: 'audio/x-wav',
  webm: 'video/webm',
  webp: 'image/webp',
  xls: 'application/vnd.ms-excel',
  xml: 'text/xml',
  zip: 'application/zip',
}

/** The type a PUT stores: the client's, or, when it has none or asks for it, the one the name suggests. */
export function contentTypeOf(name: string, headers: Record<string, string>): string {
  const given = headers['content-type']
  // The size of large objects travels in this parameter; a client may not set it.
  if (given && !isTrue(headers['x-detect-content-type'])) return given.replace(/;\s*swift_[^;]*/gi, '')
  const ending = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return own(types, ending) ?? 'application/octet-stream'
}
