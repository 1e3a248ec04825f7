import { type ChildProcess, spawn } from 'node:child_process'

/** A qemu-io process that is told commands and answers each with what it prints. Starts with the first command. */
export interface QemuIo {
  /** Sends lines and resolves with what each of the `count` commands printed. Rejects when the process ends. */
  run(commands: string, count: number): Promise<string[]>
  /** What it said on standard error since the last commands were sent. */
  complaints(): string
  /** Kills the process; commands not answered yet are rejected with the reason. */
  abandon(reason: string): void
}

const prompt = 'qemu-io> '

interface Pending {
  replies: string[]
  wanted: number
  resolve(replies: string[]): void
  reject(error: Error): void
}

interface State {
  child: ChildProcess | null
  pending: Pending | null
  output: string
  complaints: string
}

export function openQemuIo(): QemuIo {
  const state: State = { child: null, pending: null, output: '', complaints: '' }
  return {
    run(commands, count) {
      const isNew = state.child === null
      state.complaints = ''
      const child = state.child ?? begin(state)
      state.child = child
      const replies = new Promise<string[]>((resolve, reject) => {
        // A new process greets with one prompt more.
        state.pending = { replies: [], wanted: count + (isNew ? 1 : 0), resolve, reject }
        child.stdin!.write(commands)
      })
      return replies
        .then((all) => all.slice(-count))
        .finally(() => {
          state.pending = null
        })
    },
    complaints: () => state.complaints,
    abandon(reason) {
      state.pending?.reject(new Error(`${reason}. ${state.complaints.trim()}`))
      state.child?.kill('SIGKILL')
      state.child = null
    },
  }
}

function begin(state: State): ChildProcess {
  // Unbuffered input: qemu-io waits for its descriptor, not for lines its C library has already read.
  const child = spawn('stdbuf', ['-i0', 'qemu-io'], { stdio: ['pipe', 'pipe', 'pipe'] })
  state.output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => take(state, chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    state.complaints = (state.complaints + chunk).slice(-2000)
  })
  child.stdin.on('error', () => {})
  child.on('error', (error) => state.pending?.reject(new Error(`qemu-io does not start: ${error.message}`)))
  child.on('exit', (code, signal) => {
    if (state.child !== child) return
    state.child = null
    state.pending?.reject(new Error(`qemu-io ended with ${signal ?? code}: ${state.complaints.trim()}`))
  })
  return child
}

/** Splits what was printed at the prompts. */
function take(state: State, chunk: string): void {
  state.output += chunk
  const { pending } = state
  for (let at = state.output.indexOf(prompt); at >= 0; at = state.output.indexOf(prompt)) {
    pending?.replies.push(state.output.slice(0, at).trim())
    state.output = state.output.slice(at + prompt.length)
  }
  if (pending && pending.replies.length >= pending.wanted) pending.resolve(pending.replies)
}
