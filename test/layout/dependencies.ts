import { readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { type Graph, packageFolderOf } from './graph.ts'

interface Manifest {
  name: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  optionalDependencies?: Record<string, string>
}

/**
 * Returns packages that a package of the repository imports without declaring them, and those that it declares without
 * naming them in its sources. `text` holds the sources by file.
 */
export function wrongDependencies(root: string, graph: Graph, text: ReadonlyMap<string, string>): string[] {
  const read = (folder: string): Manifest =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Manifest
  const forAll = Object.keys(read('.').devDependencies!)
  const folders = [...new Set([...graph.keys()].map(packageFolderOf))]
  return folders.flatMap((folder) => {
    const { name, dependencies, devDependencies, optionalDependencies } = read(folder)
    const files = [...graph.keys()].filter((file) => packageFolderOf(file) === folder)
    const used = files.flatMap((file) => graph.get(file)!.map(({ from }) => from))
    const imported = new Set(used.filter((from) => !from.startsWith('.') && !isBuiltin(from)).map(packageNameOf))
    const declared = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
    const code = files.map((file) => text.get(file) ?? '').join('\n')
    return [
      ...[...imported]
        .filter((one) => one !== name && ![...declared, ...forAll].includes(one))
        .map((one) => `${folder} does not declare ${one}`),
      ...declared.filter((one) => !isNamed(one, code)).map((one) => `${folder} does not use ${one}`),
    ]
  })
}

/** Drivers are opened by names in the configuration; knex loads its database clients itself. */
const isNamed = (name: string, code: string): boolean =>
  code.includes(`'${name}`) || code.includes(`/${name}'`) || /^@hearth\/driver-|^@types\//.test(name)

function packageNameOf(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
}
