import type { Node, SourceFile } from 'typescript/unstable/ast'
import { isVariableStatement, SyntaxKind } from 'typescript/unstable/ast'
import type { Graph } from './graph.ts'
import { lineAt } from './project.ts'

interface Export {
  file: string
  name: string
  line: number
  /** True when the file itself uses the name elsewhere. */
  isUsedInside: boolean
}

const declarations = [
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.ClassDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.TypeAliasDeclaration,
]

/** What a file declares and exports by name. */
export function exportsOf(file: string, source: SourceFile): Export[] {
  const found: Export[] = []
  for (const statement of source.statements) {
    const modifiers = (statement as unknown as { modifiers?: readonly Node[] }).modifiers ?? []
    if (!modifiers.some(({ kind }) => kind === SyntaxKind.ExportKeyword)) continue
    if (modifiers.some(({ kind }) => kind === SyntaxKind.DefaultKeyword)) continue
    for (const name of namesOf(statement)) {
      const uses = [...source.text.matchAll(new RegExp(`(?<![\\w'])(?<!(?<!\\.\\.)\\.)${name}\\b`, 'g'))].length
      found.push({ file, name, line: lineAt(source, statement.getStart(source)), isUsedInside: uses > 1 })
    }
  }
  return found
}

function namesOf(statement: Node): string[] {
  if (declarations.includes(statement.kind)) return [(statement as unknown as { name: { text: string } }).name.text]
  if (!isVariableStatement(statement)) return []
  return statement.declarationList.declarations.flatMap(({ name }) =>
    'text' in name ? [(name as { text: string }).text] : elementNames(name),
  )
}

function elementNames(pattern: unknown): string[] {
  const { elements } = pattern as { elements: readonly { name: { text: string } }[] }
  return elements.map(({ name }) => name.text)
}

/** Exports that no other file imports, through re-exports neither. Those of files that are imported whole count as used. */
export function unusedExports(graph: Graph, exported: readonly Export[]): Export[] {
  const declared = new Map(exported.map((one) => [`${one.file} ${one.name}`, one]))
  const used = new Set<string>()
  const use = (file: string, name: string, seen: ReadonlySet<string>): void => {
    if (seen.has(file)) return
    if (declared.has(`${file} ${name}`)) used.add(`${file} ${name}`)
    for (const { to, names, as, isReexport } of graph.get(file) ?? []) {
      if (!isReexport || to === null) continue
      const at = as?.indexOf(name) ?? -1
      if (as === null) use(to, name, new Set([...seen, file]))
      else if (at >= 0) use(to, names![at]!, new Set([...seen, file]))
    }
  }
  const useAll = (file: string): void => {
    for (const one of exported) if (one.file === file) used.add(`${file} ${one.name}`)
    for (const { to, names, isReexport } of graph.get(file) ?? [])
      if (isReexport && to !== null && names === null) useAll(to)
      else if (isReexport && to !== null) for (const name of names!) use(to, name, new Set())
  }
  for (const imports of graph.values())
    for (const { to, names, isReexport } of imports) {
      if (isReexport || to === null) continue
      if (names === null) useAll(to)
      else for (const name of names) use(to, name, new Set())
    }
  return exported.filter(({ file, name }) => !used.has(`${file} ${name}`))
}
