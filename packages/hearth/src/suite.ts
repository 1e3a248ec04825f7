import { checkBusUrl } from '@hearth/bus'
import { type ExclusiveLock, own, type Running, setOwn } from '@hearth/core'
import { openMetricsListener } from '@hearth/http'
import { checkPorts } from './check-ports.ts'
import type { CheckResult } from './health.ts'
import { openSecrets } from './open-secrets.ts'
import { removePidFile, writePidFile } from './pid-file.ts'
import { lockRoles } from './role-locks.ts'
import { checkRoles, roleNames } from './role-names.ts'
import { roleStarters } from './roles.ts'
import type { Shared } from './shared.ts'
import { openStatusSocket, socketOf } from './status-socket.ts'
import { hostAndPort } from './urls.ts'

export interface Suite {
  /** Role → base URL, for those that listen. */
  urls: Record<string, string>
  /** Parts that do not work yet. */
  warnings: string[]
  /** Parts that the roles need and that are missing now. */
  problems(): Promise<CheckResult[]>
  close(): Promise<void>
}

export interface StartOptions {
  onStarted?: ((role: string, running: Running) => void) | undefined
  /** Ends the start between two roles. */
  signal?: AbortSignal
}

/**
 * Starts roles in this process, in order. When one fails, stops those already started. Throws AlreadyRunning when
 * another process of this data folder has one of them, UnknownRole, PortsTaken, the reason of `signal`, or the error
 * that keeps a role from starting.
 */
export async function startSuite(shared: Shared, names: string[], options: StartOptions = {}): Promise<Suite> {
  checkRoles(names)
  const roles = roleNames.filter((name) => names.includes(name))
  let lock: ExclusiveLock | undefined
  const pidFile = pidFileOf(shared.folders.pidFile, roles)
  const close = async (): Promise<void> => {
    await shared.close()
    if (lock) removePidFile(pidFile)
    lock?.release()
  }
  const urls: Record<string, string> = {}
  // A role may wait for another host by timers that keep no process alive, before anything else does.
  const awake = setInterval(() => undefined, 60_000)
  try {
    lock = await lockRoles(shared.folders.run, roles)
    writePidFile(pidFile, { urls, roles, ready: false })
    checkBusUrl(shared.config.bus)
    await checkPorts(shared.config, roles)
    const { secrets, changed } = await openSecrets(shared, roles)
    Object.assign(shared, { roles, secrets, changedSecrets: changed })
    // A missing broker is reported before anything else is started.
    if (!shared.config.bus.startsWith('memory:') && roles.some((role) => role.startsWith('cinder.')))
      await shared.bus('cinder')
    const socket = await openStatusSocket(socketOf(pidFile), shared.health, roles)
    shared.onClose(() => socket.close())
    await openMetricsAddress(shared)
    for (const role of roles) {
      const running = await own(roleStarters, role)!(shared)
      shared.onClose(() => running.close())
      if (running.url) setOwn(urls, role, running.url)
      options.onStarted?.(role, running)
      options.signal?.throwIfAborted()
    }
    writePidFile(pidFile, { urls, roles, ready: true })
  } catch (error) {
    await close()
    throw error
  } finally {
    clearInterval(awake)
  }
  const problems = async (): Promise<CheckResult[]> => (await shared.health.report()).filter(({ ok }) => !ok)
  return { urls, warnings: shared.warnings, problems, close }
}

/** Processes that run only some roles each have a file of their own. */
function pidFileOf(file: string, roles: string[]): string {
  return roles.length === roleNames.length ? file : file.replace('.pid', `-${roles.join('+')}.pid`)
}

/** Offers the metrics of this process at an address of their own, where one is configured. */
async function openMetricsAddress(shared: Shared): Promise<void> {
  const { address } = shared.config.metrics
  if (address === null) return
  const listener = await openMetricsListener({ ...hostAndPort(address), metrics: shared.metrics })
  shared.onClose(() => listener.close())
}
