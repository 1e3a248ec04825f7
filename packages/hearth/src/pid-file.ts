import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'

/** Content of the pid file: describes a running suite to other commands. */
export interface RunningSuite {
  pid: number
  /** Kernel's start time of the process: distinguishes it from a later process with the same pid. */
  startTime: string
  urls: Record<string, string>
  roles: string[]
  /** False while it starts. */
  ready: boolean
}

/** Returns the suite whose process wrote this pid file; null if that process does not run. */
export function readPidFile(file: string): RunningSuite | null {
  try {
    const suite = JSON.parse(readFileSync(file, 'utf8')) as RunningSuite
    return startTimeOf(suite.pid) === suite.startTime ? suite : null
  } catch {
    return null
  }
}

/** Writes the pid file of this process with mode 0600, replacing it in one step. */
export function writePidFile(file: string, suite: Omit<RunningSuite, 'pid' | 'startTime'>): void {
  const startTime = startTimeOf(process.pid)!
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime, ...suite }, null, 2), { mode: 0o600 })
  renameSync(draft, file)
}

/** Removes the pid file if it exists. */
export function removePidFile(file: string): void {
  rmSync(file, { force: true })
}

/** Field 22 of /proc/PID/stat; null when there is no such process. */
function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A process that ended but was not yet waited for still has an entry.
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null
  }
}
