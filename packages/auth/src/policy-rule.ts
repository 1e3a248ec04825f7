import { own } from '@hearth/core'

interface CheckInput {
  target: Record<string, unknown>
  credentials: Record<string, unknown>
  /** Evaluates another rule by name. */
  rule(name: string): boolean
}

export type Check = (input: CheckInput) => boolean

/**
 * Compiles the text of an oslo.policy rule: `and`, `or`, `not`, parentheses, `@` (always), `!` (never), '' (always),
 * `rule:x`, `role:x`, `attribute:%(target.attribute)s`, `'literal':%(attribute)s`. Throws for wrong syntax, over 8192
 * characters, and over 100 levels of parentheses and `not`.
 */
export function parseRule(text: string): Check {
  if (text.length > longestRule) throw new Error(`a rule may have ${longestRule} characters, not ${text.length}`)
  const tokens = tokenize(text)
  if (tokens.length === 0) return () => true
  const parser = { tokens, at: 0, depth: 0 }
  const check = parseOr(parser)
  if (parser.at < tokens.length) throw new Error(`unexpected "${tokens[parser.at]}" in "${text}"`)
  return check
}

const longestRule = 8192
const deepest = 100

interface Parser {
  tokens: string[]
  at: number
  /** Parentheses and `not`s that are open. */
  depth: number
}

function tokenize(text: string): string[] {
  return text.match(/%\([^)]*\)s|'[^']*'(?::\S*[^\s)]|)|\(|\)|(?:%\([^)]*\)s|[^\s()])+/g) ?? []
}

function parseOr(parser: Parser): Check {
  const checks = [parseAnd(parser)]
  while (parser.tokens[parser.at]?.toLowerCase() === 'or') {
    parser.at++
    checks.push(parseAnd(parser))
  }
  return checks.length === 1 ? checks[0]! : (input) => checks.some((check) => check(input))
}

function parseAnd(parser: Parser): Check {
  const checks = [parseNot(parser)]
  while (parser.tokens[parser.at]?.toLowerCase() === 'and') {
    parser.at++
    checks.push(parseNot(parser))
  }
  return checks.length === 1 ? checks[0]! : (input) => checks.every((check) => check(input))
}

function parseNot(parser: Parser): Check {
  if (++parser.depth > deepest) throw new Error(`the rule is nested more than ${deepest} levels deep`)
  const check = parseOne(parser)
  parser.depth--
  return check
}

function parseOne(parser: Parser): Check {
  const token = parser.tokens[parser.at]
  if (token?.toLowerCase() === 'not') {
    parser.at++
    const inner = parseNot(parser)
    return (input) => !inner(input)
  }
  if (token === '(') return parseGroup(parser)
  parser.at++
  if (token === undefined) throw new Error('the rule ends too early')
  return parseCheck(token)
}

function parseGroup(parser: Parser): Check {
  parser.at++
  const inner = parseOr(parser)
  if (parser.tokens[parser.at] !== ')') throw new Error('a ")" is missing')
  parser.at++
  return inner
}

function parseCheck(token: string): Check {
  if (token === '@') return () => true
  if (token === '!') return () => false
  const colon = token.startsWith("'") ? token.indexOf("':") + 1 : token.indexOf(':')
  if (colon <= 0) throw new Error(`"${token}" is not of the form kind:match`)
  const kind = token.slice(0, colon)
  const match = token.slice(colon + 1)
  if (kind === 'rule') return (input) => input.rule(match)
  if (kind === 'role') return roleCheck(match)
  if (kind === 'http' || kind === 'https') throw new Error('remote checks are not supported')
  return attributeCheck(kind, match)
}

function roleCheck(match: string): Check {
  return ({ credentials, target }) => {
    const wanted = expand(match, target)
    return wanted !== undefined && (credentials.roles as string[]).includes(wanted.toLowerCase())
  }
}

function attributeCheck(kind: string, match: string): Check {
  const literal = literalOf(kind)
  return ({ credentials, target }) => {
    const wanted = expand(match, target)
    if (wanted === undefined) return false
    const held = literal === undefined ? lookUp(credentials, kind) : literal
    if (held === undefined) return false
    return Array.isArray(held) ? held.map(asText).includes(wanted) : asText(held) === wanted
  }
}

/** `'text'`, True, False, None and numbers on the left side stand for themselves. */
function literalOf(kind: string): unknown {
  if (kind.startsWith("'") && kind.endsWith("'")) return kind.slice(1, -1)
  if (/^(True|False|None|-?\d+)$/.test(kind)) return kind
  return undefined
}

/** Fills `%(a.b)s` from the target; undefined when the target has no such attribute. */
function expand(match: string, target: Record<string, unknown>): string | undefined {
  const name = /^%\(([^)]*)\)s$/.exec(match)?.[1]
  if (name === undefined) return match
  const value = lookUp(target, name)
  return value === undefined ? undefined : asText(value)
}

function lookUp(source: Record<string, unknown>, name: string): unknown {
  if (Object.hasOwn(source, name)) return own(source, name)
  let value: unknown = source
  for (const part of name.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = own(value as Record<string, unknown>, part)
  }
  return value
}

/** As Python prints it, since rules are written that way. */
function asText(value: unknown): string {
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (value === null || value === undefined) return 'None'
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
