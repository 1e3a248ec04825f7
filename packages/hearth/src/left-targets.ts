import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLog } from '@hearth/core'
import { openDriver, openRunner } from '@hearth/driver'
import type { Config } from './config-types.ts'
import { foldersOf } from './folders.ts'

/** The tgtd of the default backend, which outlives a stop while initiators are logged in. */
export interface LeftTargets {
  pid: number
  /** Names of the volumes that have a session. */
  volumes: string[]
}

/** The tgtd that still runs for this data folder; null when none does. */
export async function leftTargets(config: Config): Promise<LeftTargets | null> {
  const runFolder = join(foldersOf(config.dataFolder).run, 'tgtd')
  const pid = pidOf(join(runFolder, 'tgtd.pid'))
  if (pid === null) return null
  const options = { portals: config.volume.portals, runFolder }
  const run = openRunner({ log: silentLog })
  const targets = await openDriver('export', '@hearth/driver-iscsi', options, { run, log: silentLog })
  const volumes = (await targets.sessions?.().catch(() => [])) ?? []
  return { pid, volumes }
}

/** Ends it, cutting its sessions, and unmounts what it has served. */
export async function endTargets(config: Config, { pid }: LeftTargets): Promise<void> {
  process.kill(pid, 'SIGKILL')
  const pidFile = join(foldersOf(config.dataFolder).run, 'tgtd', 'tgtd.pid')
  while (pidOf(pidFile) === pid) await sleep(20)
  const run = openRunner({ log: silentLog })
  await run(['umount', foldersOf(config.dataFolder).volumes], { allow: [0, 1, 32] })
}

/** The process of a pid file, when it is still the tgtd that was started with it. */
function pidOf(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(file) ? pid : null
  } catch {
    return null
  }
}
