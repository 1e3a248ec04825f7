import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

const mib = 1024 ** 2
const ballastBytes = 4 * mib
const retryMs = 30_000

/**
 * A file next to a database file that is removed when the disk is full, so that deletions and revocations still work.
 */
interface Ballast {
  /** Frees the space. Returns false when it was already freed: no more space can be won. */
  release(): boolean
}

const opened = new Map<string, Ballast>()

/** The ballast of a database file, made when there is room for several of it, and again when there is room again. */
export function ballastOf(filename: string): Ballast {
  const known = opened.get(filename)
  if (known) return known
  const path = `${filename}.reserve`
  fill(path)
  const ballast: Ballast = {
    release() {
      if (sizeOf(path) === 0) return false
      rmSync(path, { force: true })
      const timer = setInterval(() => {
        if (fill(path)) clearInterval(timer)
      }, retryMs).unref()
      return true
    },
  }
  opened.set(filename, ballast)
  return ballast
}

/** Writes the file unless it is complete. Returns false when the disk has no room. */
function fill(path: string): boolean {
  if (sizeOf(path) === ballastBytes) return true
  try {
    const { bavail, bsize } = statfsSync(dirname(path))
    if (bavail * bsize < 8 * ballastBytes) return false
    const file = openSync(path, 'w', 0o600)
    try {
      for (let at = 0; at < ballastBytes; at += mib) writeSync(file, Buffer.alloc(mib))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    return true
  } catch {
    rmSync(path, { force: true })
    return false
  }
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
