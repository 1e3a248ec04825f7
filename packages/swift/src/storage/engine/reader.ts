import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { reads } from '../records/reads.ts'
import { openSqlite } from '../records/sqlite.ts'
import type { Answer, Question } from './queue.ts'

/**
 * The thread that reads a device's index. It is a thread of its own because a disk that hangs blocks its readers: even
 * to begin a read, SQLite may write to a page of the index's shared memory, which is on the device.
 */
const { folder } = workerData as { folder: string }
const db = openSqlite(join(folder, 'index.db'), { readonly: true })
db.pragma('cache_size = -4000')
reads.getWatermark(db, { device: '' })

const operations = new Map(Object.entries(reads))

parentPort!.on('message', (message: Question[] | 'close') => {
  if (message === 'close') {
    db.close()
    parentPort!.close()
    return
  }
  parentPort!.postMessage(message.map(answer))
})
parentPort!.postMessage('ready')

function answer({ id, name, input }: Question): Answer {
  try {
    return { id, reply: operations.get(name)!(db, input as never) }
  } catch (error) {
    const { message, code } = error as { message: string; code?: string }
    return { id, error: message, code: code ?? '' }
  }
}
