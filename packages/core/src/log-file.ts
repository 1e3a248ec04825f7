import { closeSync, fstatSync, mkdirSync, openSync, renameSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

interface LogFileOptions {
  /** Path; `stdout` writes to standard output, which is never rotated. */
  file: string
  /** A file of this many bytes is renamed to `<file>.1` and a new one begun; 0 or absent never. */
  maxBytes?: number
  /** How many renamed files stay, at least 1; default 5. */
  keep?: number
}

export interface LogFile {
  /** Writes a line. Never throws: lines that cannot be written are dropped and counted. */
  write(line: string): void
  /** Opens the file by its name again, after another program has renamed it. Never throws. */
  reopen(): void
  /** Lines dropped since the start. */
  dropped(): number
  close(): void
}

interface State {
  /** -1 while the file cannot be opened. */
  fd: number
  bytes: number
  /** Lines dropped since the last one that was written. */
  missing: number
  dropped: number
  /** True when the last write ended within a line. */
  torn: boolean
}

/**
 * Opens a log file of JSON lines (mode 0600; only the owner reads it) for appending. On a full or broken disk lines are
 * lost, but the process continues: the first line that fits again is preceded by one that says how many were dropped.
 * Throws the system's error when the file cannot be opened at first.
 */
export function openLogFile({ file, maxBytes = 0, keep = 5 }: LogFileOptions): LogFile {
  const toStdout = file === 'stdout'
  if (!toStdout) mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const state: State = { fd: toStdout ? 1 : openSync(file, 'a', 0o600), bytes: 0, missing: 0, dropped: 0, torn: false }
  if (!toStdout) state.bytes = fstatSync(state.fd).size
  const reopen = (): void => {
    if (toStdout) return
    try {
      const fd = openSync(file, 'a', 0o600)
      if (state.fd >= 0) closeSync(state.fd)
      Object.assign(state, { fd, bytes: fstatSync(fd).size, torn: false })
    } catch {
      // The file that is open goes on.
    }
  }
  const rotate = (): void => {
    try {
      // Another process that writes here has renamed it already when the name is no longer that of the open file.
      if (statSync(file).ino === fstatSync(state.fd).ino) shift(file, keep)
    } catch {
      // Renamed or removed: a new one is begun.
    }
    reopen()
  }
  return {
    write(line) {
      append(state, line)
      if (!toStdout && maxBytes > 0 && state.bytes >= maxBytes) rotate()
    },
    reopen,
    dropped: () => state.dropped,
    close() {
      if (!toStdout && state.fd >= 0) closeSync(state.fd)
      state.fd = -1
    },
  }
}

/** `<file>` → `<file>.1` → … → `<file>.<keep>`, replacing older files. */
function shift(file: string, keep: number): void {
  const names = [file, ...Array.from({ length: Math.max(keep, 1) }, (_none, index) => `${file}.${index + 1}`)]
  for (let index = names.length - 2; index >= 0; index--) {
    try {
      renameSync(names[index]!, names[index + 1]!)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
}

function append(state: State, line: string): void {
  try {
    if (state.torn) put(state, '\n')
    if (state.missing > 0) put(state, droppedLine(state.missing))
    state.missing = 0
    put(state, line)
  } catch {
    state.missing++
    state.dropped++
  }
}

/** Writes the whole text. Throws the system's error. */
function put(state: State, text: string): void {
  let rest = Buffer.from(text)
  while (rest.length > 0) {
    const written = writeSync(state.fd, rest)
    state.bytes += written
    state.torn = rest[written - 1] !== 10
    rest = rest.subarray(written)
  }
}

const droppedLine = (lines: number): string =>
  `${JSON.stringify({ level: 40, time: Date.now(), dropped: lines, msg: 'log lines could not be written and are lost' })}\n`
