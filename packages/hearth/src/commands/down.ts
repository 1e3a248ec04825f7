import { setTimeout as sleep } from 'node:timers/promises'
import { Command } from 'commander'
import type { Config } from '../config-types.ts'
import { foldersOf } from '../folders.ts'
import { configOf } from './config-option.ts'
import { runningSuites } from './status.ts'

/** Beyond stopSeconds: the time between the end of a stop and that of its process. */
const moreSeconds = 5

/** Returns the command `hearth down`. */
export function downCommand(): Command {
  return new Command('down')
    .description('Stops what runs on this data folder: lets it finish what it has begun, up to stopSeconds')
    .option('--all', 'also end the iSCSI targets that stay while initiators are logged in, which cuts these off')
    .action(async (options: { all?: boolean }, command: Command) => {
      const config = configOf(command)
      const folder = foldersOf(config.dataFolder).run
      const suites = runningSuites(folder)
      if (suites.length === 0) process.stdout.write('Nothing runs on this data folder.\n')
      for (const { pid } of suites) process.kill(pid, 'SIGTERM')
      const deadline = Date.now() + (config.stopSeconds + moreSeconds) * 1000
      while (runningSuites(folder).length > 0 && Date.now() < deadline) await sleep(50)
      const left = runningSuites(folder)
      for (const { pid } of left) process.kill(pid, 'SIGKILL')
      if (left.length > 0)
        process.stdout.write('It did not stop in time and was killed; nothing acknowledged is lost.\n')
      else if (suites.length > 0) process.stdout.write('Stopped.\n')
      if (options.all) await endAll(config)
    })
}

async function endAll(config: Config): Promise<void> {
  const { endTargets, leftTargets } = await import('../left-targets.ts')
  const left = await leftTargets(config)
  if (!left) return
  await endTargets(config, left)
  const cut = left.volumes.length === 0 ? 'nobody used it' : `this cut the initiators of ${left.volumes.join(', ')}`
  process.stdout.write(`tgtd (process ${left.pid}) is ended; ${cut}.\n`)
}
