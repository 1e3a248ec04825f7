import { Command } from 'commander'
import { foldersOf } from '../folders.ts'
import { checkRoles, expandRoles } from '../role-names.ts'
import { existingSecrets, secretErrors, secretsNeeded, writeSecrets } from '../secrets.ts'
import { configOf } from './config-option.ts'

export function secretsCommand(): Command {
  return new Command('secrets').description('Hands out the secrets of this suite').addCommand(exportCommand())
}

function exportCommand(): Command {
  return new Command('export')
    .description('Prints the secrets that some roles need, for secrets.json in the data folder of their host')
    .requiredOption('--roles <roles>', 'comma-separated names, as for hearth run')
    .option('--to <file>', 'write them to this file (mode 0600) instead')
    .action((options: { roles: string; to?: string }, command: Command) => {
      const roles = checkRoles(expandRoles(options.roles))
      const file = foldersOf(configOf(command).dataFolder).secrets
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
