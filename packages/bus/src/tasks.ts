/** Work in progress that `close` waits for. */
export interface Tasks {
  /** Remembers the work until it settles; a rejection is the owner's to handle. */
  add(work: Promise<unknown>): void
  /** Waits until nothing is left, at most `graceMs`. True when nothing is. */
  settled(graceMs: number): Promise<boolean>
}

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

/** Waits for `work` at most `ms`; true when it is done. */
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
