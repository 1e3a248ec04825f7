import { spawn } from 'node:child_process'
import { execa } from 'execa'

/** Debian's programs and Python, whatever else comes first in PATH. */
const debian = {
  PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
  PYTHONWARNINGS: 'ignore',
  PYTHONUNBUFFERED: '1',
  LC_ALL: 'C.UTF-8',
}

export interface OpenStack {
  /** Runs one command; its output. Throws with the whole complaint when the command says anything on stderr. */
  run(command: string): Promise<string>
  /** Runs one command with `-f json`. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json(command: string): Promise<any>
  /** Runs one command that must be refused; returns the complaint. */
  refused(command: string): Promise<string>
  close(): Promise<void>
}

/**
 * Debian's `openstack` command, once, reading commands: its start costs seconds, so that a process for each command
 * would be most of a test's time. Commands are quoted as in a shell.
 */
export function openStack(variables: Record<string, string>, cwd: string): OpenStack {
  const child = spawn('openstack', [], { env: { ...debian, ...variables, HOME: cwd }, cwd })
  const seen = { out: '', err: '' }
  let heard: () => void = () => {}
  for (const [name, stream] of [['out', child.stdout] as const, ['err', child.stderr] as const])
    stream.setEncoding('utf8').on('data', (text: string) => {
      seen[name] += text
      heard()
    })
  const gone = new Promise<number | null>((resolve) => child.on('close', resolve))
  let ended = false
  void gone.then(() => {
    ended = true
    heard()
  })
  let count = 0

  const ask = async (command: string): Promise<{ out: string; err: string }> => {
    const mark = `end-of-command-${++count}\n`
    seen.out = ''
    seen.err = ''
    // In quotes, as a semicolon would end the command before the shell sees it.
    const both = `sh -c "echo ${mark.trim()}; echo ${mark.trim()} >&2"`
    child.stdin.write(`${command}\n!${both}\n`)
    while (!(seen.out.endsWith(mark) && seen.err.endsWith(mark))) {
      if (ended) throw new Error(`openstack ended during "${command}": ${seen.out}${seen.err}`)
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
    return { out: seen.out.slice(0, -mark.length), err: seen.err.slice(0, -mark.length).trim() }
  }
  const run = async (command: string): Promise<string> => {
    const { out, err } = await ask(command)
    if (err !== '') throw new Error(`openstack ${command}\n${err}`)
    return out
  }
  return {
    run,
    async json(command) {
      const out = await run(`${command} -f json`)
      try {
        return JSON.parse(out)
      } catch {
        throw new Error(`openstack ${command} printed no JSON: ${out}`)
      }
    },
    async refused(command) {
      const { out, err } = await ask(command)
      if (err === '') throw new Error(`openstack ${command} was not refused: ${out}`)
      return err
    },
    async close() {
      child.stdin.end('quit\n')
      await gone
    },
  }
}

/** Runs one of Debian's programs; its output. Throws when it fails. */
export async function debianProgram(argv: string[], variables: Record<string, string> = {}): Promise<string> {
  const [file, ...args] = argv
  return (await execa(file!, args, { env: { ...debian, ...variables } })).stdout
}
