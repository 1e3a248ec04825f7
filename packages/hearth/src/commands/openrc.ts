import { Command, Option } from 'commander'
import { type Account, cloudsYaml, openrc } from '../accounts.ts'
import { configOf } from './config-option.ts'

/** Returns the command `hearth openrc`. */
export function openrcCommand(): Command {
  return new Command('openrc')
    .description('Prints the OS_… variables to log in with; use it as: eval "$(hearth openrc)"')
    .addOption(new Option('--as <account>', 'whom to log in as').choices(['demo', 'admin']).default('demo'))
    .action((options: { as: Account }, command: Command) => {
      process.stdout.write(`${openrc(configOf(command), options.as)}\n`)
    })
}

/** Returns the command `hearth clouds-yaml`. */
export function cloudsYamlCommand(): Command {
  return new Command('clouds-yaml')
    .description('Prints a clouds.yaml with the clouds "hearth" (demo user) and "hearth-admin"')
    .action((_options: object, command: Command) => {
      process.stdout.write(`${cloudsYaml(configOf(command))}\n`)
    })
}
