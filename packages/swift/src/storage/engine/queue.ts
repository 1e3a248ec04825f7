import { StorageError, storageErrorOf } from '../errors.ts'

/** One question on its way to a thread; `file` is a body that must be reachable after a crash once the commit is. */
export interface Question {
  id: number
  name: string
  input: unknown
  file: string | null
}

export type Answer = { id: number; reply: unknown } | { id: number; error: string; code: string }

interface Waiting {
  resolve(reply: unknown): void
  reject(error: Error): void
}

interface Queue {
  ask(name: string, input: unknown, file?: string | null): Promise<unknown>
  answer(answers: Answer[]): void
  /** Fails all that wait, and all that comes until open() is called. */
  fail(reason: StorageError): void
  open(): void
  isWorking(): boolean
}

/** Questions that go to the thread together, at most. */
const maxGroup = 256
/** Questions that may wait. */
const maxWaiting = 10_000
/** Milliseconds without a response after which a device counts as not responding, and callers stop waiting for it. */
const stuckAfter = 5000

/** False when a question cannot be copied to the thread: then its group fails, and not the process. */
function postOrFail(post: (questions: Question[]) => void, group: Question[], waiting: Map<number, Waiting>): boolean {
  try {
    post(group)
    return true
  } catch (error) {
    for (const { id } of group) {
      waiting.get(id)?.reject(error as Error)
      waiting.delete(id)
    }
    return false
  }
}

/**
 * Queue of requests to a thread: while the thread works on one group, the next one gathers. With `gather` a group also
 * takes the requests of the same turn of the event loop.
 */
export function openQueue(post: (questions: Question[]) => void, folder: string, gather: boolean): Queue {
  const waiting = new Map<number, Waiting>()
  let gathering: Question[] = []
  let busySince: number | null = null
  let closed: StorageError | null = null
  let next = 1
  const send = (): void => {
    busySince = gathering.length > 0 ? performance.now() : null
    if (gathering.length > 0 && !postOrFail(post, gathering.splice(0, maxGroup), waiting)) send()
  }
  const refusal = (): StorageError | null => {
    if (closed) return closed
    const isStuck = busySince !== null && performance.now() - busySince > stuckAfter
    if (!isStuck && waiting.size < maxWaiting) return null
    return new StorageError('offline', isStuck ? `${folder} does not respond` : `too much waits for ${folder}`)
  }
  return {
    isWorking: () => busySince !== null || gathering.length > 0,
    ask(name, input, file = null) {
      const refused = refusal()
      if (refused) return Promise.reject(refused)
      return new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        gathering.push({ id, name, input, file })
        if (busySince !== null) return
        busySince = performance.now()
        if (gather) setImmediate(send)
        else send()
      })
    },
    answer(answers) {
      send()
      for (const answer of answers) {
        settle(waiting.get(answer.id), answer)
        waiting.delete(answer.id)
      }
    },
    fail(reason) {
      closed = reason
      for (const { reject } of waiting.values()) reject(reason)
      waiting.clear()
      gathering = []
      busySince = null
    },
    open: () => {
      closed = null
    },
  }
}

function settle(waiting: Waiting | undefined, answer: Answer): void {
  if ('error' in answer) waiting?.reject(storageErrorOf({ code: answer.code, message: answer.error }))
  else waiting?.resolve(answer.reply)
}
