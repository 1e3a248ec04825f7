import { closeSync, fsyncSync, openSync, unlink } from 'node:fs'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { reportTouched } from './containers.ts'
import type { WriteContext } from './objects.ts'
import type { WriteName } from './operations.ts'
import { prepareDevice } from './schema.ts'
import { openSqlite } from './sqlite.ts'
import { writes } from './writes.ts'

/** One write on its way to the worker; `file` is a body that must be reachable after a crash once the commit is. */
export interface WriteRequest {
  id: number
  name: WriteName
  input: unknown
  file: string | null
}

export type WriteResult = { id: number; reply: unknown } | { id: number; error: string; code: string }

const { folder } = workerData as { folder: string }
const db = openSqlite(join(folder, 'index.db'))
prepareDevice(db)

parentPort!.on('message', (message: WriteRequest[] | 'close') => {
  if (message === 'close') {
    db.close()
    parentPort!.close()
    return
  }
  parentPort!.postMessage(commit(message))
})
parentPort!.postMessage('ready')

/** Runs all requests in one transaction. A request that fails alone fails alone; a full disk fails all of them. */
function commit(requests: WriteRequest[]): WriteResult[] {
  const context: WriteContext = { db, garbage: [], touched: new Map() }
  try {
    syncFolders(requests)
    db.sql('BEGIN IMMEDIATE').run()
    const results = requests.map((request) => runOne(request, context))
    reportTouched(context)
    db.sql('COMMIT').run()
    for (const file of context.garbage) unlink(join(folder, file), () => undefined)
    return results
  } catch (error) {
    if (db.inTransaction()) db.sql('ROLLBACK').run()
    const { message, code } = error as { message: string; code?: string }
    return requests.map(({ id }) => ({ id, error: message, code: code ?? '' }))
  }
}

function runOne(request: WriteRequest, context: WriteContext): WriteResult {
  db.sql('SAVEPOINT one').run()
  const mine: string[] = []
  try {
    const operation = writes[request.name] as (context: WriteContext, input: unknown) => unknown
    const reply = operation({ ...context, garbage: mine }, request.input)
    db.sql('RELEASE one').run()
    context.garbage.push(...mine)
    return { id: request.id, reply }
  } catch (error) {
    const { message, code } = error as { message: string; code?: string }
    if (!db.inTransaction() || code === 'SQLITE_FULL' || code?.startsWith('SQLITE_IOERR')) throw error
    db.sql('ROLLBACK TO one').run()
    db.sql('RELEASE one').run()
    return { id: request.id, error: message, code: code ?? '' }
  }
}

/** Makes the directory entries of new body files durable. */
function syncFolders(requests: WriteRequest[]): void {
  const folders = new Set(requests.flatMap(({ file }) => (file === null ? [] : [dirname(file)])))
  for (const each of folders) {
    const handle = openSync(join(folder, each), 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  }
}
