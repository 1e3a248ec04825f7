import type { Graph } from './graph.ts'

/** Folders of each service's `src`, each with those that its files may import. */
const layers: Record<string, Record<string, string[]>> = {
  cinder: { api: ['model'], scheduler: ['model'], volume: ['model'], backup: ['model'], model: [] },
  keystone: { api: ['model'], model: [] },
  swift: {
    proxy: ['placement', 'storage', 'model'],
    keepers: ['placement', 'storage', 'model'],
    placement: ['storage', 'model'],
    storage: ['model'],
    model: [],
  },
  glance: { api: ['imports', 'data', 'model'], imports: ['data', 'model'], data: ['model'], model: [] },
}

/** Returns imports of a service's files that point to a folder which theirs may not import, as `file → imported file`. */
export function upwardImports(graph: Graph, isTest: (file: string) => boolean): string[] {
  return Object.entries(layers).flatMap(([name, mayUse]) => {
    const isSource = (file: string): boolean => file.startsWith(`packages/${name}/src/`) && !isTest(file)
    const checked = [...graph].filter(([file]) => isSource(file) && isInFolder(file) && folderOf(file) !== support)
    return checked.flatMap(([file, imports]) => {
      const allowed = [folderOf(file), ...(mayUse[folderOf(file)] ?? [])]
      return imports
        .filter(({ to }) => to !== null && isSource(to) && !allowed.includes(folderOf(to)))
        .map(({ to }) => `${file} → ${to}`)
    })
  })
}

/** Folder of what only tests use. */
const support = 'for-tests'
const folderOf = (file: string): string => file.split('/')[3]!
const isInFolder = (file: string): boolean => file.split('/').length > 4
