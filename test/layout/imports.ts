import type { Node, SourceFile } from 'typescript/unstable/ast'
import {
  isCallExpression,
  isExportDeclaration,
  isImportDeclaration,
  isImportTypeNode,
  isNamedExports,
  isNamedImports,
  isStringLiteral,
  SyntaxKind,
} from 'typescript/unstable/ast'

export interface Import {
  /** As written: a relative path or the name of a package. */
  from: string
  /** Names taken from it, as it exports them; null for all of them (`*`, `import()`). */
  names: string[] | null
  /** True for `export … from`. */
  isReexport: boolean
  /** Names under which a re-export hands on `names`; the same for an import. */
  as: string[] | null
}

/** All imports and re-exports of a file, types and `import()` included. */
export function importsOf(source: SourceFile): Import[] {
  const found: Import[] = []
  const add = (specifier: Node | undefined, names: Import['names'], as: Import['as'], isReexport: boolean): void => {
    if (specifier && isStringLiteral(specifier)) found.push({ from: specifier.text, names, as, isReexport })
  }
  const walk = (node: Node): void => {
    if (isImportDeclaration(node)) {
      const bindings = node.importClause?.namedBindings
      const named = bindings && isNamedImports(bindings) ? elementsOf(bindings) : null
      const whole = bindings && !isNamedImports(bindings) ? null : [...(named?.names ?? [])]
      if (whole && node.importClause?.name) whole.push('default')
      add(node.moduleSpecifier, whole, whole, false)
      return
    }
    if (isExportDeclaration(node)) {
      const named = node.exportClause && isNamedExports(node.exportClause) ? elementsOf(node.exportClause) : null
      add(node.moduleSpecifier, named?.names ?? null, named?.as ?? null, true)
      return
    }
    if (isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword)
      add(node.arguments[0], null, null, false)
    if (isImportTypeNode(node)) add((node.argument as unknown as { literal?: Node }).literal, null, null, false)
    node.forEachChild(walk)
  }
  walk(source)
  return found
}

interface Elements {
  elements: readonly { name: { text: string }; propertyName?: { text: string } }[]
}

function elementsOf(list: unknown): { names: string[]; as: string[] } {
  const { elements } = list as Elements
  return {
    names: elements.map(({ name, propertyName }) => (propertyName ?? name).text),
    as: elements.map(({ name }) => name.text),
  }
}
