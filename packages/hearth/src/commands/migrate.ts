import { migrations as cinder } from '@hearth/cinder'
import { type Migration, migrate } from '@hearth/database'
import { migrations as glance } from '@hearth/glance'
import { migrations as keystone } from '@hearth/keystone'
import { Command } from 'commander'
import { openShared } from '../shared.ts'
import { configOf } from './config-option.ts'

const services: Record<string, Migration[]> = { keystone, glance, cinder }

export function migrateCommand(): Command {
  return new Command('migrate')
    .description('Brings the databases to the present schema; starting a role does the same. Safe to repeat')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const shared = openShared(configOf(command))
      const done: { service: string; migration: string }[] = []
      try {
        for (const [service, migrations] of Object.entries(services)) {
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
