import { own } from '@hearth/core'
import { Command } from 'commander'
import { checkRoles, expandRoles, roleNames, roleSummaries } from '../role-names.ts'
import { runSuite } from '../run-suite.ts'
import { configOf } from './config-option.ts'

/** Returns the command `hearth run`. */
export function runCommand(): Command {
  const width = Math.max(...roleNames.map((role) => role.length))
  const list = roleNames.map((role) => `  ${role.padEnd(width)}  ${own(roleSummaries, role)}`)
  return new Command('run')
    .description('Runs some roles in this process, for spreading the suite over processes and hosts')
    .requiredOption('--roles <roles>', 'comma-separated names; a service alone means all its roles, e.g. cinder')
    .addHelpText(
      'after',
      `\nRoles:\n${list.join('\n')}\n\nSpread suites need a database server and RabbitMQ in the configuration.`,
    )
    .action(async (options: { roles: string }, command: Command) => {
      const config = configOf(command)
      await runSuite(config, checkRoles(expandRoles(options.roles)), {
        started: (role, { url }) => void process.stdout.write(`${role} runs${url ? ` at ${url}` : ''}\n`),
        ready: () => 'Ready.',
      })
    })
}
