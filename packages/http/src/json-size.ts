const [quote, backslash, comma, openBracket, closeBracket, openBrace, closeBrace] = [...Buffer.from('"\\,[]{}')] as [
  ...[number, number, number, number, number, number, number],
]

/**
 * Returns true when arrays and objects of a JSON text nest deeper than `levels`, or hold more than `values` values in
 * all. Runs before parsing, in one pass without recursion, so that code that walks the parsed value may recurse. The
 * result for text that is not JSON is undefined.
 */
export function isBeyond(json: Uint8Array, levels: number, values: number): boolean {
  let depth = 0
  let count = 1
  let inString = false
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (inString) {
      if (byte === backslash) at += 1
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBracket || byte === openBrace) {
      depth += 1
      count += 1
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1
    else if (byte === comma) count += 1
    if (depth > levels || count > values) return true
  }
  return false
}
