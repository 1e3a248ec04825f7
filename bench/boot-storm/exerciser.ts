import { spawn } from 'node:child_process'
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A qemu-io process that reads commands. */
export interface Exerciser {
  /** Runs commands, one a line; resolves with everything they complained about, empty when all went well. */
  run(commands: string): Promise<string>
  kill(why: string): void
}

const prompt = 'qemu-io> '

/**
 * What the commands print goes to a file and is looked at once, as waking up for the prompt after each of a thousand
 * reads would cost more than the reads. The end is seen by a command that does not exist: that complaint is on stderr.
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

/** A file that is appended to and has no name any more. */
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
