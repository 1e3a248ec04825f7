import { homedir } from 'node:os'
import { join } from 'node:path'
import { errorTable, silentLog } from '@hearth/core'
import { openRunner } from '@hearth/driver'
import { Command } from 'commander'
import { type AttachDeps, attachVolume, detachVolume } from '../attach/attach.ts'
import { openConnectors } from '../attach/connectors.ts'
import { type KeptAttachment, openKeptAttachments } from '../attach/kept-attachments.ts'
import { openLogin } from '../attach/login.ts'
import { openVolumeApi } from '../attach/volume-api.ts'
import { renderTable } from '../table.ts'
import { configOf } from './config-option.ts'

const errors = errorTable({
  NoVolume: [400, 'which volume? Name one by its id or name; --list tells what is attached'],
})

interface Options {
  hostSsh?: string
  state?: string
  json?: boolean
}

interface AttachOptions extends Options {
  list?: boolean
  readOnly?: boolean
}

/** Returns the command `hearth attach`. */
export function attachCommand(): Command {
  return withOptions(new Command('attach'))
    .description('Attaches a volume to this host and prints its device; for hosts without os-brick')
    .argument('[volume]', 'id or name')
    .option('--list', 'list what is attached by this command')
    .option('--read-only', 'attach it read-only')
    .action(async (volume: string | undefined, options: AttachOptions, command: Command) => {
      if (options.list) return list(options)
      if (volume === undefined) throw errors.NoVolume()
      const attached = await withDeps(command, options, (deps) =>
        attachVolume(volume, options.readOnly ? 'ro' : 'rw', deps),
      )
      process.stdout.write(`${options.json ? JSON.stringify(attached) : attached.path}\n`)
    })
}

/** Returns the command `hearth detach`. */
export function detachCommand(): Command {
  return withOptions(new Command('detach'))
    .description('Detaches what hearth attach has attached: flushes, then lets go; changes nothing while it is in use')
    .argument('<volume>', 'id or name')
    .action(async (volume: string, options: Options, command: Command) => {
      const note = await withDeps(command, options, (deps) => detachVolume(volume, deps))
      const { volumeId, attachmentId } = note
      if (options.json) process.stdout.write(`${JSON.stringify({ volumeId, attachmentId })}\n`)
      else process.stdout.write(`${note.volumeName ?? volumeId} is detached.\n`)
    })
}

function withOptions(command: Command): Command {
  return command
    .option('--host-ssh <arguments>', "attach to another host, e.g. '-i key root@compute1' or a JSON list of words")
    .option('--state <folder>', 'where to keep what is attached (default: /var/lib/hearth, or ~/.hearth for users)')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Whom to log in as: OS_CLOUD and clouds.yaml, or the OS_… variables, or the administrator of the suite on this host.
Repeating the command after it was cut off finishes it.`,
    )
}

const stateFolder = (options: Options): string =>
  options.state ?? join(process.getuid?.() === 0 ? '/var/lib/hearth' : join(homedir(), '.hearth'), 'attachments')

const thisHost = 'this host'

/** `-i key root@compute1` → its words; a JSON list where words hold spaces. */
function sshWords(text: string): string[] {
  return text.trimStart().startsWith('[')
    ? (JSON.parse(text) as string[])
    : text.split(/\s+/).filter((word) => word !== '')
}

async function withDeps<T>(command: Command, options: Options, work: (deps: AttachDeps) => Promise<T>): Promise<T> {
  const config = configOf(command)
  const ssh = options.hostSsh === undefined ? undefined : sshWords(options.hostSsh)
  const log = silentLog
  const run = openRunner({ log, ...(ssh && { ssh }) })
  const connectors = openConnectors(config, { run, log, remote: ssh !== undefined })
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const progress = openProgress()
  try {
    return await work({
      api: openVolumeApi(openLogin(config)),
      connectors,
      kept: openKeptAttachments(stateFolder(options)),
      host: ssh?.at(-1) ?? thisHost,
      tell: progress.tell,
      signal: stop.signal,
    })
  } finally {
    progress.close()
    await connectors.close()
  }
}

const everyMs = 5000

/**
 * Reports the current step, and every few seconds that it still runs, on standard error; standard output has only the
 * device.
 */
function openProgress(): { tell(text: string): void; close(): void } {
  let doing: { text: string; since: number } | undefined
  const timer = setInterval(() => {
    if (!doing) return
    const seconds = Math.round((performance.now() - doing.since) / 1000)
    process.stderr.write(`still ${doing.text} (${seconds} s)\n`)
  }, everyMs)
  return {
    tell(text) {
      doing = { text, since: performance.now() }
      process.stderr.write(`${text}\n`)
    },
    close: () => clearInterval(timer),
  }
}

function list(options: Options): void {
  const all = openKeptAttachments(stateFolder(options)).all()
  const shown = all.map(({ connection: _secret, before: _before, ...one }) => one)
  if (options.json) process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`)
  else if (all.length === 0) process.stdout.write('Nothing is attached by hearth attach.\n')
  else process.stdout.write(`${renderTable(['volume', 'name', 'host', 'device', 'since'], all.map(cells))}\n`)
}

function cells({ volumeId, volumeName, host, device, since }: KeptAttachment): string[] {
  return [volumeId, volumeName ?? '', host, device ?? 'unfinished: repeat attach or detach', since]
}
