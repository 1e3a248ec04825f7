import type { Node, SourceFile } from 'typescript/unstable/ast'
import { SyntaxKind } from 'typescript/unstable/ast'
import { lineAt } from './project.ts'

interface FoundFunction {
  file: string
  /** Name of the function, or of the constant or member that holds it; `anonymous` for others. */
  name: string
  lines: number
}

const kinds = [
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]

/** All functions of a file with a body, with their length in lines. */
export function functionsOf(file: string, source: SourceFile): FoundFunction[] {
  const found: FoundFunction[] = []
  const walk = (node: Node): void => {
    if (kinds.includes(node.kind) && 'body' in node && node.body) {
      const lines = lineAt(source, node.end) - lineAt(source, node.getStart(source)) + 1
      found.push({ file, name: nameOf(node) ?? nameOf(node.parent) ?? 'anonymous', lines })
    }
    node.forEachChild(walk)
  }
  walk(source)
  return found
}

function nameOf(node: Node): string | undefined {
  return (node as unknown as { name?: { text?: string } }).name?.text
}
