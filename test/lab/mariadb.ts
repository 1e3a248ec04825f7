import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import mysql from 'mysql2/promise'
import {
  asUser,
  freePort,
  type LabServer,
  type LabTls,
  labFolder,
  labServer,
  placeCertificate,
  program,
} from './daemon.ts'

export interface DatabaseServer extends LabServer {
  /** Makes a new, empty database and answers its URL. */
  createDatabase(): Promise<string>
}

/**
 * A private MariaDB, durable as in production. `url` is of an empty database. With `tls` it accepts nothing else. Takes
 * about a second.
 */
export async function startMariadb(tls?: LabTls): Promise<DatabaseServer> {
  const server = await program('mariadbd', 'mariadb-server')
  const installer = await program('mariadb-install-db', 'mariadb-server')
  const folder = await labFolder('mariadb', 'mysql')
  const data = join(folder, 'data')
  const socket = join(folder, 'sock')
  const port = await freePort()
  const password = randomBytes(9).toString('hex')
  const first = join(folder, 'first.sql')
  await writeFile(
    first,
    `create user if not exists hearth@'%' identified by '${password}';
grant all on *.* to hearth@'%';
create database if not exists hearth character set utf8mb4 collate utf8mb4_bin;
`,
    { mode: 0o644 },
  )
  const install = asUser('mysql', [installer, '--no-defaults', `--datadir=${data}`, '--skip-test-db'])
  await execa(install[0] as string, install.slice(1), { cwd: folder })
  const options = [
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--innodb-buffer-pool-size=64M',
    '--max-connections=500',
    `--init-file=${first}`,
    `--pid-file=${join(folder, 'pid')}`,
    ...(tls ? await tlsOptions(tls, folder) : []),
  ]
  const base = `mysql://hearth:${password}@${tls ? 'localhost' : '127.0.0.1'}:${port}`
  const ssl = tls && { ca: readFileSync(tls.authority) }
  const run = async (sql: string): Promise<void> => {
    const connection = await mysql.createConnection({ uri: `${base}/hearth`, ...(ssl && { ssl }) })
    await connection.query(sql).finally(() => connection.end())
  }
  const lab = await labServer(`${base}/hearth`, port, {
    command: asUser('mysql', [server, ...options]),
    folder,
    ready: () => run('select 1').then(() => true),
  })
  return {
    ...lab,
    async createDatabase() {
      const name = `lab_${randomBytes(5).toString('hex')}`
      await run(`create database ${name}`)
      return `${base}/${name}`
    },
  }
}

async function tlsOptions(tls: LabTls, folder: string): Promise<string[]> {
  const { certificate, key } = await placeCertificate(tls, folder, 'mysql')
  return [`--ssl-cert=${certificate}`, `--ssl-key=${key}`, '--require-secure-transport=ON']
}
