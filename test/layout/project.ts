import type { SourceFile } from 'typescript/unstable/ast'
import { API, type Checker } from 'typescript/unstable/sync'

export interface ParsedProject {
  /** Paths below `root`, of those files that `pick` wanted. */
  files: ReadonlyMap<string, SourceFile>
  checker: Checker
  close(): void
}

/** Parses the files of a project with the compiler. Throws when there is no project at `config`. */
export function openProject(root: string, config: string, pick: (file: string) => boolean): ParsedProject {
  const api = new API({ cwd: root })
  const project = api.updateSnapshot({ openProjects: [config] }).getProject(config)
  if (!project) {
    api.close()
    throw new Error(`there is no project at ${config}`)
  }
  const names = project.program
    .getSourceFileNames()
    .filter((file) => file.startsWith(`${root}/`) && !file.includes('/node_modules/'))
    .map((file) => file.slice(root.length + 1))
    .filter(pick)
    .sort()
  const files = new Map(names.map((name) => [name, project.program.getSourceFile(`${root}/${name}`)!]))
  return { files, checker: project.checker, close: () => api.close() }
}

/** Line of a position in a file; the first is 1. */
export function lineAt(source: SourceFile, position: number): number {
  return source.text.slice(0, position).split('\n').length
}
