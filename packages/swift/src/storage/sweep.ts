import { opendir, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { StoredObject } from './operations.ts'

/** Kernels stamp files with a clock that may lag by some milliseconds. */
const clockStep = 50

/**
 * Removes body files that no row names: what a crash between writing a body and committing its row leaves behind. Files younger
 * than the start of the sweep are uploads under way. Answers how many were removed.
 */
export async function sweepOrphans(
  folder: string,
  find: (hash: string) => StoredObject | null,
  goOn: () => boolean,
): Promise<number> {
  const began = Date.now() - clockStep
  let removed = 0
  for (let number = 0; number < 256 && goOn(); number++) {
    const below = `bodies/${number.toString(16).padStart(2, '0')}`
    for await (const entry of await opendir(join(folder, below))) {
      if (!goOn()) break
      const file = `${below}/${entry.name}`
      if (find(entry.name.slice(0, 32))?.file === file) continue
      const path = join(folder, file)
      const found = await stat(path).catch(() => null)
      if (!found || found.birthtimeMs >= began || found.mtimeMs >= began) continue
      if (find(entry.name.slice(0, 32))?.file === file) continue
      await unlink(path).catch(() => undefined)
      removed++
    }
  }
  return removed
}
