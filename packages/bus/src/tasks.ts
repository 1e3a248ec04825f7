/** Work in progress that `close` waits for. */
export interface Tasks {
  /** Tracks the work until it settles; the caller must handle a rejection. */
  add(work: Promise<unknown>): void
  /** Waits until no work is left, at most `graceMs`. Returns true when none is left. */
  settled(graceMs: number): Promise<boolean>
}

/** Returns an empty set of tracked work. */
export function openTasks(): Tasks {
  const running = new Set<Promise<unknown>>()
  return {
    add(work) {
      const settled = work.then(
        () => undefined,
        () => undefined,
      )
      running.add(settled)
      void settled.then(() => running.delete(settled))
    },
    async settled(graceMs) {
      const end = Date.now() + graceMs
      while (running.size > 0) {
        const left = end - Date.now()
        if (left <= 0) return false
        await within(Promise.all(running), left)
      }
      return true
    },
  }
}

/** Waits for `work` at most `ms`; returns true when it is done. */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}
