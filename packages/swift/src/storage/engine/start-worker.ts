import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { setOwn } from '@hearth/core'

/** Runs in the worker before anything else: serves the sources that this thread has prepared. */
const bootstrap = `
const { registerHooks } = require('node:module')
const { workerData } = require('node:worker_threads')
registerHooks({
  load: (url, context, next) =>
    url in workerData.sources
      ? { format: 'module', source: workerData.sources[url], shortCircuit: true }
      : next(url, context),
})
import(workerData.entry)
`

/**
 * Starts a worker thread of a TypeScript file. Strips the types once, here: a worker that strips them itself loads its
 * own copy of the stripper, 11 MB each.
 */
export function startWorker(entry: URL, options: WorkerOptions & { workerData: object }): Worker {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, options)
  const workerData = { ...options.workerData, entry: entry.href, sources: sourcesOf(entry) }
  return new Worker(bootstrap, { ...options, workerData, eval: true })
}

/** Node calls the function experimental, which concerns whoever reads this and not whoever starts the suite. */
function withoutWarning<T>(work: () => T): T {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    return work()
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The file and all it imports by relative path, as JavaScript. */
function sourcesOf(entry: URL, found: Record<string, string> = {}): Record<string, string> {
  const source = withoutWarning(() => stripTypeScriptTypes(readFileSync(entry, 'utf8')))
  if (source.includes("from '@hearth/"))
    throw new Error(
      `${entry.pathname}: what a thread loads may not import packages of ours, which would need the stripper`,
    )
  setOwn(found, entry.href, source)
  for (const [, path] of source.matchAll(/from '(\.[^']+)'/g)) {
    const url = new URL(path!, entry)
    if (!Object.hasOwn(found, url.href)) sourcesOf(url, found)
  }
  return found
}
