import type { Running } from '@hearth/core'
import type { Config } from './config-types.ts'
import { leftTargets } from './left-targets.ts'
import { checkRoles } from './role-names.ts'
import { watchForStop } from './stopping.ts'
import type { Suite } from './suite.ts'

interface Show {
  started?(role: string, running: Running): void
  /** Text to print when all roles have started, before the list of parts that are down. */
  ready(suite: Suite): string
}

const say = (text: string): void => void process.stdout.write(`${text}\n`)

/**
 * Runs these roles in this process until it is asked to stop, and ends it: with 0 after a stop, with 1 after an
 * unexpected error or when the stop took longer than `stopSeconds`. Throws the error that keeps a role from starting.
 */
export async function runSuite(config: Config, roles: string[], show: Show): Promise<never> {
  // Files of this process are for its own user: logs, databases, rings, object devices.
  process.umask(0o077)
  checkRoles(roles)
  const { checkDrivers } = await import('./check-drivers.ts')
  await checkDrivers(config, roles)
  const { openShared } = await import('./shared.ts')
  const { startSuite } = await import('./suite.ts')
  const shared = openShared(config)
  const stop = watchForStop({
    reopenLog: () => shared.logFile.reopen(),
    onFault(error) {
      shared.log.fatal({ err: error }, 'unexpected error: stopping')
      process.stderr.write(`hearth: unexpected error, stopping: ${(error as Error)?.stack ?? error}\n`)
    },
  })
  stop.signal.addEventListener('abort', () => setTimeout(() => endLate(config), config.stopSeconds * 1000))
  let suite: Suite
  try {
    suite = await startSuite(shared, roles, { signal: stop.signal, onStarted: show.started })
  } catch (error) {
    if (!stop.signal.aborted) throw error
    say('Stopped while starting.')
    process.exit(stop.exitCode())
  }
  const problems = (await suite.problems()).map(({ name, detail }) => `! ${partOf(name)}${name} is DOWN: ${detail}`)
  if (problems.length > 0) problems.push('  ./hearth status shows when that has changed.')
  say([...suite.warnings.map((warning) => `· ${warning}`), show.ready(suite), ...problems].join('\n'))
  await stop.requested
  say('\nStopping: finishing what is running (press Ctrl-C again to leave at once) …')
  await suite.close()
  const left = await leftTargets(config)
  if (left)
    say(
      `· tgtd (process ${left.pid}) stays: initiators use ${left.volumes.join(', ')}. To cut them: ./hearth down --all`,
    )
  say('Stopped.')
  process.exit(stop.exitCode())
}

function endLate({ stopSeconds }: Config): never {
  say(`Stopped after stopSeconds = ${stopSeconds}; what was still running is taken up again at the next start.`)
  process.exit(1)
}

/** Text about missing functions, before the name of the part that is down. */
function partOf(name: string): string {
  const parts: [RegExp, string][] = [
    [/^(backend|bus)/, 'block storage: '],
    [/^object/, 'objects: '],
    [/^image/, 'images: '],
  ]
  return parts.find(([pattern]) => pattern.test(name))?.[1] ?? ''
}
