import type { Migration } from '@hearth/database'
import { Command } from 'commander'
import { configOf } from './config-option.ts'

/** Returns the command `hearth migrate`. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Brings the databases to the present schema; starting a role does the same. Safe to repeat')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const { openShared } = await import('../shared.ts')
      const { migrate } = await import('@hearth/database')
      const shared = openShared(configOf(command))
      const done: { service: string; migration: string }[] = []
      try {
        for (const [service, migrations] of Object.entries(await allMigrations())) {
          const names = await migrate(await shared.database(service), service, migrations)
          done.push(...names.map((migration) => ({ service, migration })))
        }
      } finally {
        await shared.close()
      }
      if (options.json) process.stdout.write(`${JSON.stringify(done, null, 2)}\n`)
      else if (done.length === 0) process.stdout.write('The databases are up to date.\n')
      else for (const { service, migration } of done) process.stdout.write(`${service}: ${migration}\n`)
    })
}

/** Returns the migrations of each service that has tables, in the order in which they run. */
export async function allMigrations(): Promise<Record<string, Migration[]>> {
  const { migrations: keystone } = await import('@hearth/keystone')
  const { migrations: glance } = await import('@hearth/glance')
  const { migrations: cinder } = await import('@hearth/cinder')
  return { keystone, glance, cinder }
}
