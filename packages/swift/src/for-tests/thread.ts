import { parentPort } from 'node:worker_threads'
import type { Question } from '../storage/engine/queue.ts'

/** A thread that repeats what it is asked, and dies when asked to. */
parentPort!.on('message', (message: Question[] | 'close') => {
  if (message === 'close') parentPort!.close()
  else if (message.some(({ name }) => name === 'die')) process.exit(3)
  else parentPort!.postMessage(message.map(({ id, input }) => ({ id, reply: input })))
})
parentPort!.postMessage('ready')
