import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { own } from '@hearth/core'
import { Command } from 'commander'
import { foldersOf } from '../folders.ts'
import { type RunningSuite, readPidFile } from '../pid-file.ts'
import { renderTable } from '../table.ts'
import { configOf } from './config-option.ts'

interface RoleStatus {
  role: string
  url: string | null
  healthy: boolean | null
  pid: number
  residentMiB: number
}

export function statusCommand(): Command {
  return new Command('status')
    .description('Lists the roles that run on this data folder; exit code 1 when none does')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const suites = runningSuites(foldersOf(configOf(command).dataFolder).run)
      const roles = (await Promise.all(suites.map(rolesOf))).flat()
      process.exitCode = roles.length === 0 ? 1 : 0
      if (options.json) process.stdout.write(`${JSON.stringify(roles, null, 2)}\n`)
      else if (roles.length === 0)
        process.stdout.write('Nothing runs on this data folder. Start it with: ./hearth up\n')
      else process.stdout.write(`${renderTable(['role', 'url', 'healthy', 'process', 'memory'], roles.map(cells))}\n`)
    })
}

/** Every process of the suite that works on this data folder. */
export function runningSuites(folder: string): RunningSuite[] {
  try {
    const files = readdirSync(folder).filter((name) => name.startsWith('hearth') && name.endsWith('.pid'))
    return files.map((name) => readPidFile(join(folder, name))).filter((suite) => suite !== null)
  } catch {
    return []
  }
}

async function rolesOf(suite: RunningSuite): Promise<RoleStatus[]> {
  const residentMiB = memoryOf(suite.pid)
  return Promise.all(
    suite.roles.map(async (role) => {
      const url = own(suite.urls, role) ?? null
      return { role, url, healthy: url === null ? null : await isHealthy(url), pid: suite.pid, residentMiB }
    }),
  )
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const headers = { connection: 'close' }
    return (await fetch(`${url}/healthcheck`, { headers, signal: AbortSignal.timeout(3000) })).ok
  } catch {
    return false
  }
}

function memoryOf(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib ?? 0) / 1024)
}

function cells(status: RoleStatus): string[] {
  const healthy = status.healthy === null ? '-' : status.healthy ? 'yes' : 'NO'
  return [status.role, status.url ?? '-', healthy, String(status.pid), `${status.residentMiB} MiB`]
}
