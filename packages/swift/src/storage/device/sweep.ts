import { opendir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { hashOfBody, isBodyFile } from '../bodies/bodies.ts'

/**
 * Removes body files that no row names: leftovers of a process that ended between writing a body and committing its
 * row. `find` returns the file in an object's row, `isOurs` is true for files that this process writes. Returns the
 * number removed.
 */
export async function sweepOrphans(
  folder: string,
  find: (hash: string) => Promise<string | null>,
  isOurs: (file: string) => boolean,
  goOn: () => boolean,
): Promise<number> {
  let removed = 0
  for (let number = 0; number < 256 && goOn(); number++) {
    const below = `bodies/${number.toString(16).padStart(2, '0')}`
    for await (const entry of await opendir(join(folder, below))) {
      if (!goOn()) break
      const file = `${below}/${entry.name}`
      // In this order: a file stops being ours when its row has been committed, which the look that follows sees.
      if (!isBodyFile(file) || isOurs(file)) continue
      if ((await find(hashOfBody(file))) === file) continue
      await unlink(join(folder, file)).catch(() => undefined)
      removed++
    }
  }
  return removed
}
