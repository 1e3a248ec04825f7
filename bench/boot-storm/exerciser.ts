import { spawn } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A qemu-io process that reads commands. */
export interface Exerciser {
  /** Runs commands, one a line; resolves with all their error text, empty when all succeeded. */
  run(commands: string): Promise<string>
  kill(why: string): void
}

const prompt = 'qemu-io> '

/**
 * Starts qemu-io. Its output goes to a file that is read once: waking up for the prompt after each of a thousand reads
 * would cost more than the reads. A last command that does not exist marks the end: its error appears on stderr.
 */
export function startExerciser(): Exerciser {
  const printed = nameless()
  // Unbuffered input: qemu-io waits for its descriptor, not for lines its C library has already read.
  const child = spawn('stdbuf', ['-i0', 'qemu-io'], { stdio: ['pipe', printed, 'pipe'] })
  let complaints = ''
  let marks = 0
  let waiting: { mark: string; resolve(text: string): void; reject(error: Error): void } | null = null
  const fail = (why: string): void => waiting?.reject(new Error(`${why} ${complaints.trim()}`.trim()))

  child.stdin!.on('error', () => {})
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    complaints += chunk
    const at = waiting ? complaints.indexOf(waiting.mark) : -1
    if (at < 0) return
    waiting!.resolve(complaints.slice(0, at))
    complaints = ''
  })
  child.on('error', (error) => fail(`qemu-io does not start: ${error.message}.`))
  child.on('close', (code, signal) => {
    fail(`qemu-io ended with ${signal ?? code}.`)
    closeSync(printed)
  })
  return {
    async run(commands) {
      const name = `end-${++marks}`
      const complained = await new Promise<string>((resolve, reject) => {
        waiting = { mark: `command "${name}" not found\n`, resolve, reject }
        child.stdin!.write(`${commands}${name}\n`)
      })
      return (takeText(printed).replaceAll(prompt, '') + complained).trim()
    },
    kill(why) {
      fail(why)
      child.kill('SIGKILL')
    },
  }
}

/** Opens a file for appending and removes its name, so that it vanishes with the process. */
function nameless(): number {
  const folder = mkdtempSync(join(tmpdir(), 'boot-storm-'))
  const file = openSync(join(folder, 'printed'), 'a+')
  rmSync(folder, { recursive: true })
  return file
}

function takeText(file: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size)
  readSync(file, bytes, 0, bytes.length, 0)
  ftruncateSync(file)
  return bytes.toString()
}
