import { cephError, type Handle, library } from './library.ts'

/** Reading and writing of one open image. Any number of requests may be in flight. */
interface ImageData {
  /** Fills `into`; throws when the range passes the end. `into` must stay untouched until it returns. */
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array): Promise<void>
  /** Gives the range back to the pool where it can, and makes it read as zeros everywhere. */
  zero(offset: number, length: number): Promise<void>
  flush(): Promise<void>
  /** Stops watching for completions, after the last request, around the closing of the image itself. */
  closeWith(closeImage: () => Promise<unknown>): Promise<void>
}

const eventTypeEventfd = 2
const nonBlocking = 0o4000
const closeOnExec = 0o2000000
const batch = 64
/** Longest piece that is read, written or zeroed by one request of the library. */
const longest = 1024 ** 3

interface Waiting {
  about: string
  expected: number | null
  /** Keeps the buffer from being freed while the library uses it. */
  keep: unknown
  resolve(): void
  reject(error: Error): void
}

/**
 * Completions come in batches by an event file that the event loop watches: no thread of the library ever waits for
 * this process. Opened with the first request.
 */
export function openImageData(handle: Handle, image: string): ImageData {
  const requests = openRequests(handle, image)
  const { native } = library()
  return {
    read: (offset, into) => {
      const begin = (completion: bigint) => native.rbd_aio_read!(handle, offset, into.length, into, completion)
      return requests.submit('reading', begin, { keep: into, expected: into.length })
    },
    write: (offset, data) => {
      const begin = (completion: bigint) => native.rbd_aio_write!(handle, offset, data.length, data, completion)
      return requests.submit('writing', begin, { keep: data })
    },
    async zero(offset, length) {
      for (let done = 0; done < length; done += longest) {
        const size = Math.min(longest, length - done)
        await requests.submit('zeroing', (completion) =>
          native.rbd_aio_write_zeroes!(handle, offset + done, size, completion, 0, 0),
        )
      }
    },
    flush: () => requests.submit('flushing', (completion) => native.rbd_aio_flush!(handle, completion)),
    closeWith: requests.closeWith,
  }
}

function openRequests(handle: Handle, image: string) {
  const { native } = library()
  const waiting = new Map<bigint, Waiting>()
  let events: ReturnType<typeof openEvents> | undefined
  return {
    submit: (
      verb: string,
      begin: (completion: bigint) => number,
      given: { keep?: unknown; expected?: number } = {},
    ): Promise<void> =>
      new Promise((resolve, reject) => {
        events ??= openEvents(handle, waiting)
        const out: (bigint | null)[] = [null]
        native.rbd_aio_create_completion!(0, null, out)
        const completion = BigInt(out[0]!)
        const { keep, expected = null } = given
        waiting.set(completion, { about: `${verb} ${image}`, expected, keep, resolve, reject })
        events.hold()
        const returned = begin(completion)
        if (returned >= 0) return
        waiting.delete(completion)
        native.rbd_aio_release!(completion)
        events.release()
        reject(cephError(`${verb} ${image}`, returned))
      }),
    async closeWith(closeImage: () => Promise<unknown>) {
      events?.stop()
      try {
        await closeImage()
      } finally {
        events?.free()
      }
    },
  }
}

function openEvents(handle: Handle, waiting: Map<bigint, Waiting>) {
  const { koffi, native } = library()
  const completions = Buffer.alloc(batch * 8)
  const file = Number(native.eventfd!(0, nonBlocking | closeOnExec))
  const returned = Number(native.rbd_set_image_notification!(handle, file, eventTypeEventfd))
  if (returned < 0) {
    native.close!(file)
    throw cephError('watching an image', returned)
  }
  let stopped = false
  const settleAll = () => {
    if (stopped) return
    let count = batch
    while (count === batch) {
      count = Number(native.rbd_poll_io_events!(handle, completions, batch))
      for (let i = 0; i < count; i += 1) settle(completions.readBigUInt64LE(i * 8), waiting)
    }
    release()
  }
  // Promises settled in the poll's own callback would go on only when something else wakes the event loop.
  const poll = koffi.node.poll(file, { readable: true }, () => {
    native.eventfd_read!(file, [0])
    setImmediate(settleAll)
  })
  const release = () => {
    if (waiting.size === 0) poll.unref()
  }
  release()
  return {
    hold: () => poll.ref(),
    release,
    stop() {
      stopped = true
      poll.stop()
      poll.close()
    },
    free: () => native.close!(file),
  }
}

function settle(completion: bigint, waiting: Map<bigint, Waiting>): void {
  const { native } = library()
  const request = waiting.get(completion)
  waiting.delete(completion)
  const returned = Number(native.rbd_aio_get_return_value!(completion))
  native.rbd_aio_release!(completion)
  if (!request) return
  if (returned < 0) request.reject(cephError(request.about, returned))
  else if (request.expected !== null && returned !== request.expected) {
    request.reject(cephError(`${request.about} beyond its end`, -22))
  } else request.resolve()
}
