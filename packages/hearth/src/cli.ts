import { isHearthError } from '@hearth/core'
import { isDriverError } from '@hearth/driver'
import { ringCommand } from '@hearth/ring'
import { Command } from 'commander'
import { attachCommand, detachCommand } from './commands/attach.ts'
import { doctorCommand } from './commands/doctor.ts'
import { downCommand } from './commands/down.ts'
import { migrateCommand } from './commands/migrate.ts'
import { objectCommand } from './commands/object.ts'
import { cloudsYamlCommand, openrcCommand } from './commands/openrc.ts'
import { policiesCommand } from './commands/policies.ts'
import { runCommand } from './commands/run.ts'
import { secretsCommand } from './commands/secrets.ts'
import { statusCommand } from './commands/status.ts'
import { upCommand } from './commands/up.ts'

const program = new Command('hearth')
  .description("OpenStack's storage services in one: identity, block storage, images, objects.")
  .option('-c, --config <file>', 'configuration (default: ./hearth.yaml if there is one; see hearth.example.yaml)')
  .option('-V, --version', 'print version, commit, schema and Node')
  .showHelpAfterError('(./hearth --help shows the commands)')
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
  .addCommand(objectCommand())
  .addCommand(policiesCommand())

// The reader of our output may be gone: a closed pipe or terminal is no error.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

try {
  if (['-V', '--version'].includes(process.argv[2] ?? '')) await printVersion()
  else await program.parseAsync()
} catch (error) {
  process.stderr.write(
    `hearth: ${isForOperator(error) ? (error as Error).message : ((error as Error).stack ?? String(error))}\n`,
  )
  process.exit(1)
}

/**
 * Returns true for errors whose message suffices: our own, and those of the system or SQLite. Others are program
 * faults.
 */
function isForOperator(error: unknown): boolean {
  if (isHearthError(error) || isDriverError(error)) return true
  const { name, syscall, code } = error as { name?: string; syscall?: string; code?: string }
  return name === 'ConfigError' || name === 'RingError' || syscall !== undefined || /^SQLITE_/.test(code ?? '')
}

async function printVersion(): Promise<void> {
  const { versionText } = await import('./version.ts')
  process.stdout.write(`${await versionText()}\n`)
}
