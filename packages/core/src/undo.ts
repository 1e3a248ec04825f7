import type { Logger } from './log.ts'

/** Steps that take back what an operation did, run newest first when it fails. */
export interface Undo {
  push(name: string, step: () => Promise<unknown> | unknown): void
  /** Runs every step; a failing step is logged and the rest still run. */
  run(): Promise<void>
}

export function openUndo(log: Logger): Undo {
  const steps: { name: string; step: () => Promise<unknown> | unknown }[] = []
  return {
    push(name, step) {
      steps.push({ name, step })
    },
    async run() {
      for (const { name, step } of steps.splice(0).reverse()) {
        try {
          await step()
        } catch (error) {
          log.warn({ err: error, step: name }, 'undo step failed')
        }
      }
    },
  }
}
