import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { randomSecret } from '@hearth/core'

/** Passwords made at the first start, by user name. */
export interface Secrets {
  admin: string
  demo: string
  cinder: string
  glance: string
  swift: string
}

const users = ['admin', 'demo', 'cinder', 'glance', 'swift'] as const

/** Reads the passwords, making and keeping them (mode 0600) at the first start. */
export function loadSecrets(file: string): Secrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Secrets
  const secrets = Object.fromEntries(users.map((user) => [user, randomSecret()])) as unknown as Secrets
  const draft = openSync(`${file}.new`, 'w', 0o600)
  writeSync(draft, `${JSON.stringify(secrets, null, 2)}\n`)
  fsyncSync(draft)
  closeSync(draft)
  renameSync(`${file}.new`, file)
  return secrets
}
