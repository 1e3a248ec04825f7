import { commonErrors } from '@hearth/core'

/**
 * A flat dictionary written as Python would, `{'k': 'v', u"x": 1}`: how clients send dictionary filters in query strings.
 * Values become strings. Throws 400 on anything else.
 */
export function parsePythonDict(text: string): Record<string, string> {
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (body === undefined) throw notADict(text)
  const result: Record<string, string> = {}
  const literal = String.raw`u?'((?:[^'\\]|\\.)*)'|u?"((?:[^"\\]|\\.)*)"|([\w.+-]+)`
  const pair = new RegExp(String.raw`\s*(?:${literal})\s*:\s*(?:${literal})\s*(?:,|$)`, 'gy')
  let end = 0
  for (let match = pair.exec(body); match; match = pair.exec(body)) {
    const [, k1, k2, k3, v1, v2, v3] = match
    result[unquote(k1 ?? k2 ?? k3 ?? '')] = unquote(v1 ?? v2 ?? v3 ?? '')
    end = pair.lastIndex
  }
  if (body.slice(end).trim() !== '') throw notADict(text)
  return result
}

const unquote = (text: string): string => text.replace(/\\(.)/gs, '$1')
const notADict = (text: string) => commonErrors.InvalidInput({ reason: `'${text}' is not a dictionary` })
