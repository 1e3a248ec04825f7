import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { foldersOf } from '../folders.ts'
import { checkRoles, expandRoles } from '../role-names.ts'
import { existingSecrets, loadSecrets, secretErrors, secretsNeeded, writeSecrets } from '../secrets.ts'
import { configOf } from './config-option.ts'

/** Returns the command `hearth secrets`. */
export function secretsCommand(): Command {
  return new Command('secrets')
    .description('Hands out the secrets of this suite, and replaces the key that signs tokens')
    .addCommand(exportCommand())
    .addCommand(rotateCommand())
}

function rotateCommand(): Command {
  return new Command('rotate')
    .description(
      'Makes a new key sign tokens; run it on a host of keystone.api. Running services follow within seconds',
    )
    .option('--now', 'remove the older keys at once, which ends every token; else they verify until their tokens end')
    .action(async ({ now = false }: { now?: boolean }, command: Command) => {
      const { openShared } = await import('../shared.ts')
      const { migrations, rotateSigningKeys } = await import('@hearth/keystone')
      const { migrate } = await import('@hearth/database')
      const config = configOf(command)
      const file = foldersOf(config.dataFolder).secrets
      existingSecrets(file)
      const { signing } = loadSecrets(file, ['keystone.api'])
      const shared = openShared(config)
      try {
        const database = await shared.database('keystone')
        await migrate(database, 'keystone', migrations)
        const { keyId, replaced } = await rotateSigningKeys(database, signing, now)
        const old = replaced.length === 0 ? 'There was no key before.' : `Replaced: ${replaced.join(', ')}.`
        const end = now ? 'Every token issued before is void.' : 'Tokens issued before are good until their end.'
        process.stdout.write(`The key ${keyId} signs tokens now. ${old} ${end}\n`)
      } finally {
        await shared.close()
      }
    })
}

function exportCommand(): Command {
  return new Command('export')
    .description('Prints the secrets that some roles need, for secrets.json in the data folder of their host')
    .requiredOption('--roles <roles>', 'comma-separated names, as for hearth run')
    .option('--to <file>', 'write them to this file (mode 0600) instead')
    .action((options: { roles: string; to?: string }, command: Command) => {
      const roles = checkRoles(expandRoles(options.roles))
      const file = foldersOf(configOf(command).dataFolder).secrets
      if (options.to !== undefined && existsSync(options.to)) throw secretErrors.FileThere({ file: options.to })
      const all = existingSecrets(file)
      const names = secretsNeeded(roles)
      const missing = names.filter((name) => all[name] === undefined)
      if (missing.length > 0)
        throw secretErrors.SecretsMissing({ file, names: missing.join(', '), roles: roles.join(',') })
      const some = Object.fromEntries(names.map((name) => [name, all[name]!]))
      if (options.to !== undefined) writeSecrets(options.to, some)
      else process.stdout.write(`${JSON.stringify(some, null, 2)}\n`)
    })
}
