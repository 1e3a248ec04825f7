import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { errorTable, randomSecret } from '@hearth/core'
import { keptSalt } from './object-salt.ts'
import { roleNames } from './role-names.ts'

export const secretErrors = errorTable({
  SecretsReadable: [500, '{file} can be read by other users of this host (mode {mode}); run: chmod 600 {file}'],
  SecretsUnreadable: [500, '{file} cannot be read as a file of secrets: {reason}'],
  SecretsMissing: [
    500,
    '{file} lacks the secrets {names}, which {roles} need; on the host that runs keystone.api run: hearth secrets export --roles {roles}, and put what it prints into {file} (mode 600)',
  ],
  SecretsAbsent: [
    500,
    'there is no {file}, and {roles} share a database with other hosts; on the host that runs keystone.api run: hearth secrets export --roles {roles}, and put what it prints into {file} (mode 600)',
  ],
  FileThere: [409, '{file} is there already, and its secrets would be lost; remove it, or name another file'],
  AccountElsewhere: [500, '{file} has no password of {account}: ask the host that runs keystone.api'],
  NoSecretsYet: [500, 'there is no {file} yet: passwords are made at the first start (hearth up)'],
})

const blockStorage = ['cinder.api', 'cinder.volume', 'cinder.backup']
const objects = ['swift.storage', 'swift.proxy', 'swift.keepers']

/**
 * Every secret of a suite and the roles that need it. The identity API needs all passwords, because it gives them to
 * the users. A new entry is generated at the next start of a suite that has a complete file.
 */
const secretUses = {
  /** Distinguishes this suite's secrets from those of another. */
  suite: ['keystone.api'],
  admin: ['keystone.api'],
  demo: ['keystone.api'],
  cinder: ['keystone.api', ...blockStorage],
  glance: ['keystone.api', 'glance.api'],
  swift: ['keystone.api', ...objects],
  /** Wraps the keys that sign tokens, so that the database alone is not enough to make one. */
  signing: ['keystone.api'],
  /** Signs what the hosts of the object store ask of one another. */
  storagePlane: objects,
  /** Decides with an object's name where it lies: the same on all hosts, for ever. */
  objectSalt: objects,
  /** Opens the metrics of the APIs. */
  metrics: ['keystone.api', 'cinder.api', 'glance.api', 'swift.proxy'],
} satisfies Record<string, string[]>

export type SecretName = keyof typeof secretUses
export type Secrets = Record<SecretName, string>

export const secretNames = Object.keys(secretUses) as SecretName[]

/** The secrets that these roles need. */
export function secretsNeeded(roles: string[]): SecretName[] {
  return secretNames.filter((name) => secretUses[name].some((role) => roles.includes(role)))
}

/** Reads a file of secrets; null when there is none. Throws SecretsReadable and SecretsUnreadable. */
export function readSecrets(file: string): Partial<Secrets> | null {
  if (!existsSync(file)) return null
  const mode = statSync(file).mode & 0o777
  if ((mode & 0o077) !== 0) throw secretErrors.SecretsReadable({ file, mode: mode.toString(8) })
  let parsed: unknown
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    // The message of JSON.parse would show a part of the file.
    const reason = error instanceof SyntaxError ? 'it is not valid JSON' : (error as Error).message
    throw secretErrors.SecretsUnreadable({ file, reason })
  }
  const isFile = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  if (!isFile || Object.values(parsed as object).some((value) => typeof value !== 'string' || value === ''))
    throw secretErrors.SecretsUnreadable({ file, reason: 'it must hold names with a text each' })
  return parsed as Partial<Secrets>
}

/** As readSecrets. Throws NoSecretsYet when there is no file. */
export function existingSecrets(file: string): Partial<Secrets> {
  const secrets = readSecrets(file)
  if (!secrets) throw secretErrors.NoSecretsYet({ file })
  return secrets
}

/**
 * The secrets for these roles. With `mayMake` a file that is absent is made, and a complete one is given what later
 * versions have added. Throws SecretsAbsent or SecretsMissing, which say where to copy them from.
 */
export function loadSecrets(file: string, roles: string[] = roleNames, mayMake = true): Secrets {
  const found = readSecrets(file)
  if (!found && !mayMake) throw secretErrors.SecretsAbsent({ file, roles: roles.join(',') })
  const isComplete = !found || (found.admin !== undefined && found.demo !== undefined)
  if (isComplete && mayMake) {
    const all = Object.fromEntries(secretNames.map((name) => [name, found?.[name] ?? newSecret(name, file)])) as Secrets
    if (secretNames.every((name) => found?.[name] !== undefined)) return { ...found, ...all }
    return writeSecrets(file, { ...found, ...all }, found === null)
  }
  const missing = secretsNeeded(roles).filter((name) => found?.[name] === undefined)
  if (missing.length > 0) throw secretErrors.SecretsMissing({ file, names: missing.join(', '), roles: roles.join(',') })
  return found as Secrets
}

/** A secret that is not there yet. A salt that objects were placed by already is kept. */
const newSecret = (name: SecretName, file: string): string =>
  (name === 'objectSalt' ? keptSalt(join(dirname(file), 'rings')) : null) ?? randomSecret()

/**
 * Writes a file of secrets (mode 0600) that is there whole or not at all. With `isNew`, another process that wrote it
 * first wins. Returns what the file holds then.
 */
export function writeSecrets<T extends Partial<Secrets>>(file: string, secrets: T, isNew = false): T {
  const draft = `${file}.${process.pid}.new`
  rmSync(draft, { force: true })
  const opened = openSync(draft, 'wx', 0o600)
  writeSync(opened, `${JSON.stringify(secrets, null, 2)}\n`)
  fsyncSync(opened)
  closeSync(opened)
  if (!isNew) {
    renameSync(draft, file)
    return secrets
  }
  try {
    linkSync(draft, file)
    return secrets
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return readSecrets(file) as T
  } finally {
    rmSync(draft, { force: true })
  }
}
