import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { own } from '@hearth/core'
import { Command } from 'commander'
import { foldersOf } from '../folders.ts'
import type { CheckResult } from '../health.ts'
import { type RunningSuite, readPidFile } from '../pid-file.ts'
import { readStatus, socketOf } from '../status-socket.ts'
import { renderTable } from '../table.ts'
import { configOf } from './config-option.ts'

interface RoleStatus {
  role: string
  url: string | null
  /** The process responds. */
  alive: boolean
  /** The role has all that it needs. */
  ready: boolean
  /** Names of the checks that say it has not. */
  missing: string[]
  pid: number
  residentMiB: number
}

interface SuiteStatus {
  ready: boolean
  roles: RoleStatus[]
  checks: CheckResult[]
}

/** Returns the command `hearth status`. */
export function statusCommand(): Command {
  return new Command('status')
    .description(
      'Tells of each role that runs on this data folder whether it is alive and ready, and of all that they need whether it is there; exit code 1 when something is not, or nothing runs',
    )
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const status = await suiteStatus(foldersOf(configOf(command).dataFolder).run)
      process.exitCode = status.ready ? 0 : 1
      if (options.json) process.stdout.write(`${JSON.stringify(status, null, 2)}\n`)
      else if (status.roles.length === 0)
        process.stdout.write('Nothing runs on this data folder. Start it with: ./hearth up\n')
      else process.stdout.write(`${tables(status)}\n`)
    })
}

/** Returns the status of all roles and checks of the processes that run on this data folder. */
export async function suiteStatus(runFolder: string): Promise<SuiteStatus> {
  const parts = await Promise.all(runningPidFiles(runFolder).map(statusOf))
  const roles = parts.flatMap((part) => part.roles)
  const checks = [...new Map(parts.flatMap((part) => part.checks).map((check) => [check.name, check])).values()]
  return { ready: roles.length > 0 && roles.every((role) => role.ready) && checks.every(({ ok }) => ok), roles, checks }
}

/** Every process of the suite that works on this data folder. */
export const runningSuites = (runFolder: string): RunningSuite[] => runningPidFiles(runFolder).map(({ suite }) => suite)

function runningPidFiles(runFolder: string): { file: string; suite: RunningSuite }[] {
  try {
    const files = readdirSync(runFolder).filter((name) => name.startsWith('hearth') && name.endsWith('.pid'))
    return files.flatMap((name) => {
      const file = join(runFolder, name)
      const suite = readPidFile(file)
      return suite ? [{ file, suite }] : []
    })
  } catch {
    return []
  }
}

async function statusOf({ file, suite }: { file: string; suite: RunningSuite }): Promise<Omit<SuiteStatus, 'ready'>> {
  const residentMiB = memoryOf(suite.pid)
  const told = await readStatus(socketOf(file))
  const roles = suite.roles.map((role): RoleStatus => {
    const missing = (told && own(told.roles, role)) ?? ['an answer of the process']
    if (!suite.ready) missing.push('the end of its start')
    const url = own(suite.urls, role) ?? null
    return { role, url, alive: told !== null, ready: missing.length === 0, missing, pid: suite.pid, residentMiB }
  })
  return { roles, checks: told?.checks ?? [] }
}

function memoryOf(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib ?? 0) / 1024)
}

function tables({ roles, checks }: SuiteStatus): string {
  const header = ['role', 'url', 'alive', 'ready', 'process', 'memory']
  const rows = roles.map(({ role, url, alive, ready, missing, pid, residentMiB }) => [
    role,
    url ?? '-',
    alive ? 'yes' : 'NO',
    ready ? 'yes' : `NO: ${missing.join(', ')}`,
    String(pid),
    `${residentMiB} MiB`,
  ])
  const needs = checks.map(({ name, ok, detail }) => [name, ok ? 'yes' : 'NO', detail ?? ''])
  return `${renderTable(header, rows)}\n\n${renderTable(['what they need', 'there', 'why not'], needs)}`
}
