import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DriverDeps, DriverError, isDriverError } from '@hearth/driver'
import type { TgtOptions } from '../options.ts'
import { openCommandControl, openSocketControl, type TgtControl } from './control.ts'
import { parsePortals } from './show.ts'

/** The tgtd of one run folder. */
export interface TgtDaemon {
  control: TgtControl
  /** Starts tgtd, or takes over the one that runs; true when it was running. */
  start(): Promise<boolean>
  isAlive(): Promise<boolean>
  /** Ends tgtd, which must have no target any more. */
  stop(): Promise<void>
}

/** Names of Unix sockets end here (unix(7)). */
const longestSocketPath = 107
const startPatience = 10_000

/**
 * tgtd puts itself into a session of its own, so it outlives us: guests go on when we are killed, and the next start
 * finds it by its control socket.
 */
export function openTgtDaemon(options: TgtOptions, deps: DriverDeps): TgtDaemon {
  const folder = resolve(options.runFolder)
  const socketPath = join(folder, 'tgtd.sock')
  if (Buffer.byteLength(`${socketPath}.0.lock`) > longestSocketPath) {
    throw new DriverError(
      'invalid',
      `runFolder = ${folder} is too long for a socket's name: ${longestSocketPath} bytes`,
    )
  }
  const control =
    options.control === 'tgtadm' ? openCommandControl(socketPath, deps.run) : openSocketControl(socketPath)
  return {
    control,
    async start() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      if (await answers(control)) {
        await ensurePortals(control, options.portals)
        return true
      }
      for (const portal of options.portals) await ensureFree(portal)
      await spawn(socketPath, folder, options, deps)
      await confirm(control, options.portals)
      return false
    },
    isAlive: () => answers(control),
    async stop() {
      await control({ mode: 'system', op: 'delete' })
      for (let waited = 0; waited < startPatience && (await answers(control)); waited += 20) await sleep(20)
    },
  }
}

async function answers(control: TgtControl): Promise<boolean> {
  try {
    await control({ mode: 'system', op: 'show' })
    return true
  } catch (error) {
    if (isDriverError(error) && error.kind === 'unavailable') return false
    throw error
  }
}

async function spawn(socketPath: string, folder: string, options: TgtOptions, deps: DriverDeps): Promise<void> {
  const portals = options.portals.map((portal) => `portal=${portal}`).join(',')
  const tgtd = ['tgtd', '-C', '0', '-t', String(options.ioThreads), '--pid-file', join(folder, 'tgtd.pid')]
  const { exitCode, stderr } = await deps.run(['env', `TGT_IPC_SOCKET=${socketPath}`, ...tgtd, '--iscsi', portals], {
    allow: [0, 126, 127],
  })
  if (exitCode !== 0) {
    throw new DriverError('unsupported', `tgtd cannot be started: ${stderr.trim()} (Debian's package is tgt)`)
  }
}

/** Waits until tgtd responds, and checks that it listens on the requested portals only. */
async function confirm(control: TgtControl, portals: string[]): Promise<void> {
  for (let waited = 0; !(await answers(control)); waited += 10) {
    if (waited >= startPatience) throw new DriverError('unavailable', 'tgtd was started and does not answer')
    await sleep(10)
  }
  const actual = await portalsOf(control)
  const wrong = actual.filter((portal) => !portals.includes(portal))
  const missing = portals.filter((portal) => !actual.includes(portal))
  if (wrong.length === 0 && missing.length === 0) return
  // A tgtd that cannot have its portals takes port 3260 of every address instead: it must not stay.
  await control({ mode: 'system', op: 'delete' })
  throw new DriverError('unavailable', `tgtd cannot listen on ${[...missing, ...wrong].join(', ')}`)
}

async function ensurePortals(control: TgtControl, portals: string[]): Promise<void> {
  const actual = await portalsOf(control)
  for (const portal of portals.filter((wanted) => !actual.includes(wanted))) {
    await ensureFree(portal)
    await control({ mode: 'portal', op: 'new', parameters: { portal } })
  }
}

async function portalsOf(control: TgtControl): Promise<string[]> {
  return parsePortals((await control({ mode: 'portal', op: 'show' })).text)
}

/** Throws a DriverError that names the port when it cannot be listened on. */
async function ensureFree(portal: string): Promise<void> {
  const at = portal.lastIndexOf(':')
  const [host, port] = [portal.slice(0, at).replace(/^\[|\]$/g, ''), Number(portal.slice(at + 1))]
  const server = createServer()
  try {
    await new Promise<void>((done, fail) => {
      server.once('error', fail)
      server.listen({ host, port, exclusive: true }, done)
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const whys: Record<string, string> = {
      EADDRINUSE: `port ${port} is in use by another program`,
      EADDRNOTAVAIL: `${host} is not an address of this host`,
      EACCES: `port ${port} needs root`,
    }
    throw new DriverError('unavailable', `iSCSI cannot listen on ${portal}: ${whys[code ?? ''] ?? code}`, error)
  } finally {
    await new Promise<void>((done) => server.close(() => done()))
  }
}
