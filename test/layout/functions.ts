export interface FoundFunction {
  file: string
  name: string
  lines: number
}

/** Opening lines of functions, methods and arrow functions with a body, as the formatter writes them. */
const opening =
  /^(\s*)(?:export )?(?:(?:async )?function\*? (\w+)|(?:const|let) (\w+)[^=]*= (?:async )?(?:\([\s\S]*|\w+) ?(?::[^=]*)?=>|(?:async )?\*?(\w+)\([^)]*\)[^=;]*)\s*.*\{$/

/**
 * Functions with their length in lines. Relies on the formatter: a body ends at the first line that is a closing brace
 * at the indentation of its opening line.
 */
export function functionsOf(file: string, source: string): FoundFunction[] {
  const lines = source.split('\n')
  const found: FoundFunction[] = []
  for (const [index, line] of lines.entries()) {
    const match = opening.exec(line)
    const name = match?.[2] ?? match?.[3] ?? match?.[4]
    if (!match || !name || ['if', 'for', 'while', 'switch', 'catch', 'test', 'describe'].includes(name)) continue
    const closing = `${match[1]}}`
    const end = lines.findIndex(
      (other, at) => at > index && other.startsWith(closing) && !other.slice(closing.length).startsWith(' else'),
    )
    if (end > index) found.push({ file, name, lines: end - index + 1 })
  }
  return found
}
