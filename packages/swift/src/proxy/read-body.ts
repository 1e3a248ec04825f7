import type { IncomingMessage, ServerResponse } from 'node:http'
import { type ClientPace, paceOf } from './client-pace.ts'

/**
 * Returns the request body. A client that waits for `100 Continue` receives it when the first byte is read. Throws 408
 * for a client slower than `pace` allows.
 */
export async function* readBody(
  message: IncomingMessage,
  reply: ServerResponse,
  waits: boolean,
  pace: ClientPace,
): AsyncGenerator<Buffer> {
  if (waits) reply.writeContinue()
  const chunks = message.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer, undefined>
  const wait = paceOf(pace)
  try {
    for (;;) {
      const { done, value } = await wait(chunks.next())
      if (done) return
      yield value
    }
  } finally {
    // Lets go of the message, whose rest can be discarded then. Not awaited: it waits for a piece that may never come.
    void chunks.return?.().catch(() => undefined)
  }
}
