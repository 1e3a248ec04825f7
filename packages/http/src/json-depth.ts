const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [...Buffer.from('"\\[]{}')] as [
  number,
  number,
  number,
  number,
  number,
  number,
]

/**
 * True when arrays and objects of a JSON text nest deeper than `most`. One pass without recursion, so that whatever walks
 * the parsed value afterwards may recurse. Text that is no JSON may get either result.
 */
export function nestsDeeper(json: Uint8Array, most: number): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at]
    if (inString) {
      if (byte === backslash) at += 1
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBracket || byte === openBrace) {
      depth += 1
      if (depth > most) return true
    } else if (byte === closeBracket || byte === closeBrace) depth -= 1
  }
  return false
}
