import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { execa } from 'execa'
import { asUser, freePort, type LabTls, labFolder, labServer, placeCertificate, program } from './daemon.ts'
import type { DatabaseServer } from './mariadb.ts'

interface Client {
  connect(): Promise<void>
  query(sql: string): Promise<unknown>
  end(): Promise<void>
}
const { Client } = createRequire(import.meta.url)('pg') as { Client: new (options: object) => Client }

const versions = '/usr/lib/postgresql'

/**
 * A private PostgreSQL, durable as in production. `url` is of an empty database. With `tls` it accepts nothing else. Takes
 * about a second.
 */
export async function startPostgres(tls?: LabTls): Promise<DatabaseServer> {
  const installed = await readdir(versions).catch(() => [])
  const folders = installed.sort((a, b) => Number(b) - Number(a)).map((version) => join(versions, version, 'bin'))
  const server = await program('postgres', 'postgresql', folders)
  const installer = await program('initdb', 'postgresql', folders)
  const folder = await labFolder('postgres', 'postgres')
  const data = join(folder, 'data')
  const port = await freePort()
  const password = randomBytes(9).toString('hex')
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, password, { mode: 0o644 })
  const install = asUser('postgres', [
    installer,
    `--pgdata=${data}`,
    '--username=hearth',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--no-sync',
  ])
  await execa(install[0] as string, install.slice(1), { cwd: folder })
  const secure = tls ? await tlsSettings(tls, folder, data) : {}
  const settings = {
    ...secure,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '300',
  }
  const options = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])
  // Tests look at the name in the certificate, the lab does not.
  const ssl = tls && { ca: readFileSync(tls.authority), checkServerIdentity: () => undefined }
  const base = `postgres://hearth:${password}@127.0.0.1:${port}`
  const run = async (sql: string): Promise<void> => {
    const client = new Client({ connectionString: `${base}/postgres`, ...(ssl && { ssl }) })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  const lab = await labServer(`${base}/hearth`, port, {
    command: asUser('postgres', [server, '-D', data, '-p', String(port), ...options]),
    folder,
    ready: () => run('select 1').then(() => true),
  })
  await run('create database hearth')
  return {
    ...lab,
    // SIGTERM would wait for every client to leave.
    stop: (signal = 'SIGTERM') => lab.stop(signal === 'SIGTERM' ? 'SIGINT' : signal),
    async createDatabase() {
      const name = `lab_${randomBytes(5).toString('hex')}`
      await run(`create database ${name}`)
      return `${base}/${name}`
    },
  }
}

async function tlsSettings(tls: LabTls, folder: string, data: string): Promise<Record<string, string>> {
  const { certificate, key } = await placeCertificate(tls, folder, 'postgres')
  await writeFile(join(data, 'pg_hba.conf'), 'hostssl all all 127.0.0.1/32 scram-sha-256\n')
  return { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }
}
