import { errorTable, type Running } from '@hearth/core'
import { openMetricsListener } from '@hearth/http'
import type { Config } from './config.ts'
import { readPidFile, removePidFile, writePidFile } from './pid-file.ts'
import { checkRoles, roleNames } from './role-names.ts'
import { roleStarters } from './roles.ts'
import { openShared, type Shared } from './shared.ts'
import { hostAndPort } from './urls.ts'

const errors = errorTable({
  AlreadyRunning: [409, 'a suite with this data folder is running already (process {pid}); stop it with: hearth down'],
})

export interface Suite {
  /** Role → base URL, for those that listen. */
  urls: Record<string, string>
  /** What does not work yet. */
  warnings: string[]
  close(): Promise<void>
}

/**
 * Starts roles in this process, in order. When one fails those already started are stopped. Throws AlreadyRunning,
 * UnknownRole, or what kept a role from starting.
 */
export async function startSuite(
  config: Config,
  names: string[],
  onStarted: (role: string, running: Running) => void = () => undefined,
): Promise<Suite> {
  checkRoles(names)
  const shared = openShared(config)
  const pidFile = pidFileOf(shared.folders.pidFile, names)
  const other = readPidFile(pidFile)
  if (other) throw errors.AlreadyRunning({ pid: other.pid })
  const urls: Record<string, string> = {}
  try {
    await openMetricsAddress(shared)
    for (const role of roleNames.filter((name) => names.includes(name))) {
      const running = await roleStarters[role]!(shared)
      shared.onClose(() => running.close())
      if (running.url) urls[role] = running.url
      onStarted(role, running)
    }
  } catch (error) {
    await shared.close()
    throw error
  }
  writePidFile(pidFile, { urls, roles: names })
  return {
    urls,
    warnings: shared.warnings,
    async close() {
      await shared.close()
      removePidFile(pidFile)
    },
  }
}

/** Processes that run only some roles each have a file of their own. */
function pidFileOf(file: string, names: string[]): string {
  return names.length === roleNames.length ? file : file.replace('.pid', `-${names.join('+')}.pid`)
}

/** Offers the metrics of this process at an address of their own, where one is configured. */
async function openMetricsAddress(shared: Shared): Promise<void> {
  const { address } = shared.config.metrics
  if (address === null) return
  const listener = await openMetricsListener({ ...hostAndPort(address), metrics: shared.metrics })
  shared.onClose(() => listener.close())
}
