import { openGate } from '@hearth/driver'

/** Lets a few run at once; the others wait in line. */
export interface Slots {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Waits until no work runs or waits. */
  drained(): Promise<void>
}

/** Returns slots that run at most `count` pieces of work at once. */
export function openSlots(count: number): Slots {
  const enter = openGate(count)
  const present = new Set<Promise<unknown>>()
  return {
    run(work) {
      const running = enter(work)
      const leave = () => present.delete(running)
      present.add(running)
      running.then(leave, leave)
      return running
    },
    async drained() {
      while (present.size > 0) await Promise.allSettled(present)
    },
  }
}
