import { isHearthError } from '@hearth/core'
import { isDriverError } from '@hearth/driver'
import { ringCommand } from '@hearth/ring'
import { Command } from 'commander'
import { attachCommand, detachCommand } from './commands/attach.ts'
import { doctorCommand } from './commands/doctor.ts'
import { downCommand } from './commands/down.ts'
import { migrateCommand } from './commands/migrate.ts'
import { cloudsYamlCommand, openrcCommand } from './commands/openrc.ts'
import { policiesCommand } from './commands/policies.ts'
import { runCommand } from './commands/run.ts'
import { secretsCommand } from './commands/secrets.ts'
import { statusCommand } from './commands/status.ts'
import { upCommand } from './commands/up.ts'

const program = new Command('hearth')
  .description("OpenStack's storage services in one: identity, block storage, images, objects.")
  .option('-c, --config <file>', 'configuration (default: ./hearth.yaml if there is one; see hearth.example.yaml)')
  .showHelpAfterError('(hearth --help tells the commands)')
  .addHelpText(
    'after',
    `
Typical use:
  ./hearth up                       start everything here and stay in the foreground
  eval "$(./hearth openrc)"       let the openstack client log in as the demo user
  openstack volume create --size 1 first
  ./hearth doctor                   what this host can do, and how to get the rest`,
  )

program
  .addCommand(upCommand())
  .addCommand(downCommand())
  .addCommand(statusCommand())
  .addCommand(runCommand())
  .addCommand(doctorCommand())
  .addCommand(attachCommand())
  .addCommand(detachCommand())
  .addCommand(openrcCommand())
  .addCommand(cloudsYamlCommand())
  .addCommand(migrateCommand())
  .addCommand(secretsCommand())
  .addCommand(ringCommand())
  .addCommand(policiesCommand())

// Whoever reads what is printed may stop reading: a pipe that was closed, a terminal that is gone.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

try {
  await program.parseAsync()
} catch (error) {
  const isExpected = isHearthError(error) || isDriverError(error) || (error as Error).name === 'ConfigError'
  process.stderr.write(`hearth: ${isExpected ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`)
  process.exit(1)
}
