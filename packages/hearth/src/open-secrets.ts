import { errorTable } from '@hearth/core'
import type { Config } from './config-types.ts'
import { compareSecrets } from './secret-prints.ts'
import { loadSecrets, readSecrets, type SecretName, type Secrets, secretNames, secretsNeeded } from './secrets.ts'
import type { Shared } from './shared.ts'

const errors = errorTable({
  SecretsOfAnother: [
    409,
    '{file} does not belong to this database, which has its own: {names} differ. Copy secrets.json from the host that runs keystone.api, or run there: hearth secrets export --roles {roles}',
  ],
  SecretsElsewhere: [
    409,
    'there is no {file}, but the database was set up with secrets already: copy secrets.json from the host that has run keystone.api',
  ],
})

/** Secrets of this process, and those that changed since they were given to the users of identity. */
interface OpenedSecrets {
  secrets: Secrets
  changed: SecretName[]
}

/**
 * Returns the secrets that these roles need. Creates missing ones only where the data folder is that of the whole
 * suite, or with keystone.api; elsewhere they must be those that keystone.api gave to the users. Throws SecretsAbsent,
 * SecretsMissing, SecretsOfAnother and SecretsElsewhere, which say what to copy from where.
 */
export async function openSecrets(
  shared: Pick<Shared, 'config' | 'folders' | 'database'>,
  roles: string[],
): Promise<OpenedSecrets> {
  const { config, folders } = shared
  const file = folders.secrets
  const refuse = (names: SecretName[]): never => {
    throw errors.SecretsOfAnother({ file, names: names.join(', '), roles: roles.join(',') })
  }
  if (!roles.includes('keystone.api')) {
    const secrets = loadSecrets(file, roles, mayMake(config, roles))
    const needed = secretsNeeded(roles)
    const service = serverServiceOf(config, roles)
    if (service === null) return { secrets, changed: [] }
    const { differing } = await compareSecrets(await shared.database(service), secrets)
    const wrong = differing.filter((name) => needed.includes(name))
    return wrong.length > 0 ? refuse(wrong) : { secrets, changed: [] }
  }
  const found = readSecrets(file)
  const { known, differing } = await compareSecrets(await shared.database('keystone'), found ?? {})
  if (found === null && known && isServer(config)) throw errors.SecretsElsewhere({ file })
  if (differing.includes('suite')) refuse(differing)
  // Where the file was lost all are new, and whoever has the data folder is the owner of the suite.
  return { secrets: loadSecrets(file, roles), changed: found === null ? secretNames : differing }
}

const isServer = (config: Config): boolean => !config.database.startsWith('sqlite:')

/** With a database server, identity is elsewhere and has made the secrets; without one there is no elsewhere. */
function mayMake(config: Config, roles: string[]): boolean {
  if (config.identity.foreign !== null || !isServer(config)) return true
  return roles.every((role) => role.startsWith('swift.')) && config.object.rings === null
}

/** The service by whose name the shared database is opened; null where there is nothing to compare with. */
function serverServiceOf(config: Config, roles: string[]): string | null {
  if (config.identity.foreign !== null || !isServer(config)) return null
  // Objects use no database.
  return roles.map((role) => role.split('.')[0]!).find((service) => service !== 'swift') ?? null
}
