import type { Suite } from './suite.ts'

/** Waits for SIGINT or SIGTERM and stops; a second one ends the process at once. */
export async function stopOnSignal(suite: Suite): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  process.stdout.write('\nStopping: finishing what was begun (press Ctrl-C again to leave at once) …\n')
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  await suite.close()
  process.stdout.write('Stopped.\n')
  process.exit(0)
}
