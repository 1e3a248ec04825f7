import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { ConfigError, certificateProblem, readAuthority, type ServerTls } from '@hearth/core'
import type { CertificateFiles, Config, Part } from './config-types.ts'

const parts = ['identity', 'volume', 'image', 'object'] as const

/** Makes the paths absolute. Throws ConfigError for keys that contradict one another. */
export function readTlsConfig(config: Config, absolute: (path: string) => string): void {
  const { tls, databaseTls, busTls, object } = config
  const sections: ({ [key in 'certificate' | 'key' | 'authority']?: string | null } | null)[] = [
    tls,
    databaseTls,
    busTls,
    object.storageTls,
    ...parts.map((part) => config[part].tls),
  ]
  for (const section of sections.filter((one) => one !== null))
    for (const key of ['certificate', 'key', 'authority'] as const) {
      const path = section[key]
      if (path) section[key] = absolute(path)
    }
  const problems: string[] = []
  if ((tls.certificate === null) !== (tls.key === null)) problems.push('tls: certificate and key go together')
  if (databaseTls && config.database.startsWith('sqlite:'))
    problems.push('databaseTls: a SQLite file is not reached by TLS; remove the key or name a server in database')
  if (busTls && !config.bus.startsWith('amqps:'))
    problems.push('busTls: the bus must begin with amqps:// to be reached by TLS')
  if (object.rings !== null && certificateFiles(config, 'storage') && tls.authority === null)
    problems.push('tls.authority: storage hosts with certificates verify each other by it, so it must be there')
  if (problems.length > 0) throw new ConfigError(problems)
}

/** The certificate and key a listener serves with; null for plain HTTP. */
export function certificateFiles(config: Config, place: Part | 'storage'): CertificateFiles | null {
  const own = place === 'storage' ? config.object.storageTls : config[place].tls
  if (own) return own
  const { certificate, key } = config.tls
  return certificate === null || key === null ? null : { certificate, key }
}

const systemAuthorities = getCACertificates('default')

/**
 * Lets every client in this process accept certificates of the authorities in these PEM files, beside those of the
 * system. Throws BadCertificate naming the file.
 */
export function trustAuthorities(files: readonly (string | null | undefined)[]): void {
  const own = files.filter((file) => typeof file === 'string').map((file) => readAuthority(file).toString('latin1'))
  if (own.length > 0) setDefaultCACertificates([...systemAuthorities, ...own])
}

/**
 * Opens a connection to the database server or the broker with the TLS that is configured for it. A certificate that is
 * not accepted is a ConfigError naming the key to mend.
 */
export async function connecting<T>(
  config: Config,
  key: 'database' | 'bus',
  open: (tls: ServerTls | undefined) => Promise<T>,
): Promise<T> {
  const section = config[`${key}Tls`]
  const isTls = section !== null || (key === 'bus' && config.bus.startsWith('amqps:'))
  const file = section?.authority ?? config.tls.authority
  const authority = isTls && file !== null ? readAuthority(file) : undefined
  try {
    return await open(isTls ? { authority } : undefined)
  } catch (error) {
    const problem = isTls ? certificateProblem(error) : null
    if (problem === null) throw error
    const with_ = file === null ? 'the authorities of the system' : file
    throw new ConfigError([
      `${key}Tls.authority: the certificate of the server in ${key} is not accepted with ${with_}: ${problem}`,
    ])
  }
}
