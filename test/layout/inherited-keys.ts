import type { Node, SourceFile } from 'typescript/unstable/ast'
import { isAsExpression, isBinaryExpression, isElementAccessExpression, SyntaxKind } from 'typescript/unstable/ast'
import { type Checker, type Type, TypeFlags } from 'typescript/unstable/sync'
import { lineAt, type ParsedProject } from './project.ts'

/** `object[name]` or `name in object`. */
interface Lookup {
  node: Node
  object: Node
  name: Node
}

const anyText = TypeFlags.Any | TypeFlags.String | TypeFlags.TemplateLiteral

/**
 * Places where a name of type string, or one cast to a key, reads or writes a plain object, as `file:line expression`.
 * Such a name may be `constructor` or `__proto__`, which every object inherits. A place that reads is fine where the same
 * function asks `Object.hasOwn(object, name)` with these very expressions; one that writes never is.
 */
export function inheritedKeyLookups({ files, checker }: Pick<ParsedProject, 'files' | 'checker'>): string[] {
  return [...files].flatMap(([file, source]) =>
    offending(source, checker).map(
      ({ node }) => `${file}:${lineAt(source, node.getStart(source))} ${node.getText(source)}`,
    ),
  )
}

function offending(source: SourceFile, checker: Checker): Lookup[] {
  const lookups = lookupsIn(source)
  if (lookups.length === 0) return []
  const names = checker.getTypeAtLocation(lookups.map(({ name }) => name))
  const objects = checker.getTypeAtLocation(lookups.map(({ object }) => object))
  return lookups.filter((lookup, index) => {
    if (!isAsExpression(lookup.name) && !isAnyText(names[index])) return false
    return !isArray(objects[index], checker) && (isWrite(lookup.node) || !isGuarded(lookup, source))
  })
}

function lookupsIn(source: SourceFile): Lookup[] {
  const found: Lookup[] = []
  const walk = (node: Node): void => {
    if (isElementAccessExpression(node) && node.parent.kind !== SyntaxKind.DeleteExpression)
      found.push({ node, object: node.expression, name: node.argumentExpression })
    if (isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.InKeyword)
      found.push({ node, object: node.right, name: node.left })
    node.forEachChild(walk)
  }
  walk(source)
  return found
}

function isAnyText(type: Type | undefined): boolean {
  if (!type) return false
  if (type.flags & TypeFlags.Union) {
    const { getTypes } = type as Type & { getTypes(): readonly Type[] }
    return getTypes.call(type).some(isAnyText)
  }
  return (type.flags & anyText) !== 0
}

function isArray(type: Type | undefined, checker: Checker): boolean {
  const there = type && (checker.getNonNullableType(type) ?? type)
  return there !== undefined && checker.isArrayLikeType(there)
}

const { FirstAssignment, LastAssignment } = SyntaxKind

function isWrite(node: Node): boolean {
  const { parent } = node
  if (!isBinaryExpression(parent) || parent.left !== node) return false
  return parent.operatorToken.kind >= FirstAssignment && parent.operatorToken.kind <= LastAssignment
}

const functions = [SyntaxKind.FunctionDeclaration, SyntaxKind.MethodDeclaration, SyntaxKind.ArrowFunction]

function isGuarded({ node, object, name }: Lookup, source: SourceFile): boolean {
  const guard = `Object.hasOwn(${object.getText(source)}, ${name.getText(source)})`
  for (let around: Node | undefined = node.parent; around; around = around.parent)
    if (functions.includes(around.kind) && around.getText(source).includes(guard)) return true
  return false
}
