import { closeSync, fsyncSync, openSync, rmSync, statSync, unlink } from 'node:fs'
import { dirname, join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { isBodyFile } from '../bodies/bodies.ts'
import { reserveFile } from '../device/reserve.ts'
import { reportTouched } from '../records/containers.ts'
import type { WriteName } from '../records/operations.ts'
import { prepareDevice } from '../records/schema.ts'
import { openSqlite } from '../records/sqlite.ts'
import type { WriteContext } from '../records/write-context.ts'
import { writes } from '../records/writes.ts'
import type { Answer, Question } from './queue.ts'

const { folder } = workerData as { folder: string }
const db = openSqlite(join(folder, 'index.db'))
prepareDevice(db)
const operations = new Map(Object.entries(writes))

parentPort!.on('message', (message: Question[] | 'close') => {
  if (message === 'close') {
    // So that the index is whole without its log, for whoever copies it.
    db.pragma('wal_checkpoint(TRUNCATE)')
    db.close()
    parentPort!.close()
    return
  }
  parentPort!.postMessage(commit(message))
})
parentPort!.postMessage('ready')

/** Writes that free space, at once or later: they may use the reserve when the disk is full. */
const relief: Set<string> = new Set<WriteName>([
  'deleteObject',
  'deleteContainer',
  'deleteAccount',
  'undoPut',
  'dropObject',
  'forgetPending',
  'recordEntries',
  'recordStats',
  'reclaim',
])

/**
 * Runs all requests in one transaction. One that fails does not affect the others; on a full disk those that free space
 * run alone.
 */
function commit(questions: Question[]): Answer[] {
  const sound = questions.filter(({ file }) => file === null || isThere(file))
  const answers = new Map<number, Answer>()
  for (const { id } of questions) answers.set(id, { id, error: 'the body file is gone', code: 'ENOENT' })
  const take = (some: Answer[]) => {
    for (const answer of some) answers.set(answer.id, answer)
  }
  try {
    take(attempt(sound))
  } catch (error) {
    take(sound.map(({ id }) => failed(id, error)))
    const rest = sound.filter(({ name }) => relief.has(name))
    if (isFull(error) && rest.length > 0) take(attemptOnReserve(rest))
  }
  for (const { id, file } of sound) if (file !== null && 'error' in answers.get(id)!) removeBody(file)
  return [...answers.values()]
}

function attemptOnReserve(questions: Question[]): Answer[] {
  try {
    rmSync(join(folder, reserveFile), { force: true })
    return attempt(questions)
  } catch (error) {
    return questions.map(({ id }) => failed(id, error))
  }
}

function attempt(questions: Question[]): Answer[] {
  const context: WriteContext = { db, garbage: [], touched: new Map() }
  try {
    syncFolders(questions)
    db.sql('BEGIN IMMEDIATE').run()
    const answers = questions.map((question) => runOne(question, context))
    reportTouched(context)
    db.sql('COMMIT').run()
    for (const file of context.garbage) removeBody(file)
    return answers
  } catch (error) {
    if (db.inTransaction()) db.sql('ROLLBACK').run()
    throw error
  }
}

function failed(id: number, error: unknown): Answer {
  const { message, code } = error as { message: string; code?: string }
  return { id, error: message, code: code ?? '' }
}

function isFull(error: unknown): boolean {
  const { code = '' } = error as { code?: string }
  return ['SQLITE_FULL', 'ENOSPC', 'EDQUOT'].includes(code)
}

function runOne(question: Question, context: WriteContext): Answer {
  db.sql('SAVEPOINT one').run()
  const mine: string[] = []
  try {
    const operation = operations.get(question.name) as (context: WriteContext, input: unknown) => unknown
    const reply = operation({ ...context, garbage: mine }, question.input)
    db.sql('RELEASE one').run()
    context.garbage.push(...mine)
    return { id: question.id, reply }
  } catch (error) {
    const { code } = error as { code?: string }
    if (!db.inTransaction() || isFull(error) || code?.startsWith('SQLITE_IOERR')) throw error
    db.sql('ROLLBACK TO one').run()
    db.sql('RELEASE one').run()
    return failed(question.id, error)
  }
}

/** Whether a body that is to be acknowledged still is where its row will say. */
function isThere(file: string): boolean {
  try {
    return isBodyFile(file) && statSync(join(folder, file)).isFile()
  } catch {
    return false
  }
}

function removeBody(file: string): void {
  // A row written by other code must not lead out of the device.
  if (isBodyFile(file)) unlink(join(folder, file), () => undefined)
}

/** Makes the directory entries of new body files durable. */
function syncFolders(questions: Question[]): void {
  const folders = new Set(questions.flatMap(({ file }) => (file === null ? [] : [dirname(file)])))
  for (const each of folders) {
    const handle = openSync(join(folder, each), 'r')
    try {
      fsyncSync(handle)
    } finally {
      closeSync(handle)
    }
  }
}
