import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import type { SourceFile } from 'typescript/unstable/ast'
import { type Import, importsOf } from './imports.ts'

interface ResolvedImport extends Import {
  /** File of this repository; null for a package from elsewhere and for Node's modules. */
  to: string | null
}

/** File → its imports. */
export type Graph = ReadonlyMap<string, readonly ResolvedImport[]>

/** The imports of all files, resolved to files of the repository by relative paths and by the exports of its packages. */
export function graphOf(root: string, files: ReadonlyMap<string, SourceFile>): Graph {
  const packages = packageFolders(root, [...files.keys()])
  const resolve = (file: string, from: string): string | null => {
    if (from.startsWith('.')) return normalize(join(dirname(file), from))
    const name = from.split('/').slice(0, 2).join('/')
    const home = packages.get(name)
    return home ? join(home.folder, home.exports[`.${from.slice(name.length)}`] ?? 'missing') : null
  }
  return new Map(
    [...files].map(([file, source]) => [
      file,
      importsOf(source).map((found) => ({ ...found, to: resolve(file, found.from) })),
    ]),
  )
}

interface Home {
  folder: string
  exports: Record<string, string>
}

function packageFolders(root: string, files: readonly string[]): Map<string, Home> {
  const folders = new Set(files.map((file) => packageFolderOf(file)))
  const homes = [...folders].flatMap((folder): [string, Home][] => {
    const path = join(root, folder, 'package.json')
    if (!existsSync(path)) return []
    const { name, exports = {} } = JSON.parse(readFileSync(path, 'utf8')) as { name: string; exports?: Home['exports'] }
    return [[name, { folder, exports: typeof exports === 'string' ? { '.': exports } : exports }]]
  })
  return new Map(homes)
}

/** `packages/cinder` for a file below it; the first folder for files outside of packages and drivers. */
export function packageFolderOf(file: string): string {
  const parts = file.split('/')
  return parts[0] === 'packages' || parts[0] === 'drivers' ? parts.slice(0, 2).join('/') : parts[0]!
}

/** Groups of files that import one another in a circle, types included; each sorted. By Tarjan's algorithm. */
export function circlesOf(graph: Graph): string[][] {
  const index = new Map<string, number>()
  const low = new Map<string, number>()
  const stack: string[] = []
  const open = new Set<string>()
  const circles: string[][] = []
  const visit = (file: string): void => {
    index.set(file, index.size)
    low.set(file, index.get(file)!)
    stack.push(file)
    open.add(file)
    for (const { to } of graph.get(file) ?? []) {
      if (to === null || !graph.has(to)) continue
      if (!index.has(to)) visit(to)
      if (open.has(to)) low.set(file, Math.min(low.get(file)!, low.get(to)!))
    }
    if (low.get(file) !== index.get(file)) return
    const circle = stack.splice(stack.indexOf(file))
    for (const one of circle) open.delete(one)
    if (circle.length > 1) circles.push(circle.sort())
  }
  for (const file of graph.keys()) if (!index.has(file)) visit(file)
  return circles.sort((a, b) => a[0]!.localeCompare(b[0]!))
}
