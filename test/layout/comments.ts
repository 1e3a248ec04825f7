import type { Node, SourceFile } from 'typescript/unstable/ast'
import { isFunctionDeclaration, isVariableStatement, SyntaxKind } from 'typescript/unstable/ast'
import { lineAt } from './project.ts'

interface Comment {
  line: number
  /** How many lines it takes. */
  lines: number
  /** Its widest line, columns. */
  width: number
  /** Without its marks, in one line. */
  text: string
  isDocstring: boolean
}

/** All comments of a file; consecutive lines of `//` are one. */
export function commentsOf(source: SourceFile): Comment[] {
  const code = maskLeaves(source)
  const found = [...code.matchAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*(?:\n[ \t]*\/\/[^\n]*)*/g)]
  const lines = source.text.split('\n')
  return found.map(({ 0: { length }, index }) => {
    const raw = source.text.slice(index, index + length)
    const line = lineAt(source, index)
    const count = raw.split('\n').length
    const text = raw.replace(/^\/\*\*?|\*\/$/g, '').replace(/^[ \t]*(\/\/|\*(?!\/))/gm, '')
    return {
      ...{ line, lines: count, isDocstring: raw.startsWith('/**') },
      width: Math.max(...lines.slice(line - 1, line - 1 + count).map((one) => one.length)),
      text: text.replace(/\s+/g, ' ').trim(),
    }
  })
}

/** The text with literals and names blanked, so that what looks like a comment is one. */
function maskLeaves(source: SourceFile): string {
  const { text } = source
  let masked = ''
  const walk = (node: Node): void => {
    let isLeaf = true
    node.forEachChild((child) => {
      isLeaf = false
      walk(child)
    })
    if (!isLeaf || node.kind === SyntaxKind.EndOfFile) return
    const [start, end] = [node.getStart(source), node.end]
    if (start < masked.length || end <= start) return
    masked += text.slice(masked.length, start) + text.slice(start, end).replace(/[^\n]/g, ' ')
  }
  walk(source)
  return masked + text.slice(masked.length)
}

/** Names of exported functions, arrow functions included, without a docstring, each with its line. */
export function undocumentedFunctions(source: SourceFile): { name: string; line: number }[] {
  const found: { name: string; line: number }[] = []
  for (const statement of source.statements) {
    const modifiers = (statement as unknown as { modifiers?: readonly Node[] }).modifiers ?? []
    if (!modifiers.some(({ kind }) => kind === SyntaxKind.ExportKeyword)) continue
    const name = functionName(statement)
    if (name === null) continue
    const before = source.text.slice(statement.pos, statement.getStart(source)).trimEnd()
    if (!before.endsWith('*/')) found.push({ name, line: lineAt(source, statement.getStart(source)) })
  }
  return found
}

/** The name that a statement gives to a function; null when it declares none. */
function functionName(statement: Node): string | null {
  if (isFunctionDeclaration(statement)) return statement.name?.text ?? 'default'
  if (!isVariableStatement(statement)) return null
  const [declaration] = statement.declarationList.declarations
  const kind = declaration?.initializer?.kind
  if (kind !== SyntaxKind.ArrowFunction && kind !== SyntaxKind.FunctionExpression) return null
  return (declaration!.name as unknown as { text: string }).text
}
