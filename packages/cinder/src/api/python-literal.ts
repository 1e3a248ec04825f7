import { setOwn } from '@hearth/core'
/**
 * Reads a Python dictionary of strings, as clients send it in filters: `{'key': 'value', u'k': "v"}`. JSON works too.
 * Returns undefined for any other text.
 */
export function readPythonDict(text: string): Record<string, string> | undefined {
  const pair =
    /\s*u?(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*:\s*(?:u?'((?:[^'\\]|\\.)*)'|u?"((?:[^"\\]|\\.)*)"|([\w.+-]+))\s*(,|$)/y
  const body = /^\s*\{(.*)\}\s*$/s.exec(text)?.[1]
  if (body === undefined) return undefined
  const result: Record<string, string> = {}
  const rest = body.trim()
  while (pair.lastIndex < rest.length) {
    const match = pair.exec(rest)
    if (!match) return undefined
    const [, single, double, singleValue, doubleValue, bare] = match
    setOwn(result, unquote(single ?? double ?? ''), unquote(singleValue ?? doubleValue ?? bare ?? ''))
  }
  return result
}

function unquote(text: string): string {
  return text.replace(/\\(.)/gs, '$1')
}
