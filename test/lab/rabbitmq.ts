import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import amqp from 'amqplib'
import {
  answers,
  asUser,
  freePort,
  type LabServer,
  type LabTls,
  labFolder,
  labServer,
  placeCertificate,
  program,
  startDaemon,
} from './daemon.ts'

const scripts = '/usr/lib/rabbitmq/bin'

/** A private RabbitMQ with a name, a cookie and a port mapper of its own; with `tls` it accepts nothing else. Takes about 6 s. */
export async function startRabbitmq(tls?: LabTls): Promise<LabServer> {
  // Debian's wrapper in /usr/sbin insists on the system's own folders; the script behind it does not.
  await program('rabbitmq-server', 'rabbitmq-server', [scripts])
  const epmd = await program('epmd', 'rabbitmq-server')
  const folder = await labFolder('rabbitmq')
  const [port, distribution, mapper] = [await freePort(), await freePort(), await freePort()]
  const password = randomBytes(9).toString('hex')
  const environment = environmentOf(folder, port, distribution, mapper)
  const secure = tls ? await tlsConfig(tls, folder, port) : ''
  if (tls) delete environment.RABBITMQ_NODE_PORT
  await writeFile(join(folder, 'plugins'), '[].')
  await writeFile(
    join(folder, 'rabbitmq.conf'),
    `loopback_users = none\ndefault_user = hearth\ndefault_pass = ${password}\n${secure}`,
  )
  const url = `${tls ? 'amqps' : 'amqp'}://hearth:${password}@127.0.0.1:${port}`
  const ca = tls && readFileSync(tls.authority)
  const mapping = await startDaemon({
    command: asUser(undefined, [epmd, '-address', '127.0.0.1', '-port', String(mapper)]),
    folder,
    ready: () => answers(mapper),
  })
  const lab = await labServer(url, port, {
    command: asUser(undefined, [join(scripts, 'rabbitmq-server')]),
    environment,
    folder,
    ready: () => greets(url, ca),
    readyMs: 120_000,
  }).catch(async (error: unknown) => {
    await mapping.stop('SIGKILL')
    throw error
  })
  return {
    ...lab,
    async close() {
      await lab.close()
      await mapping.stop('SIGKILL')
    },
  }
}

async function greets(url: string, ca: Buffer | undefined): Promise<boolean> {
  const connection = await amqp.connect(url, ca && { ca })
  await connection.close()
  return true
}

function environmentOf(folder: string, port: number, distribution: number, mapper: number): Record<string, string> {
  return {
    HOME: folder,
    RABBITMQ_NODENAME: `lab${port}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distribution),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    ERL_EPMD_PORT: String(mapper),
    RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    // Bounds the loopback listeners, and leaves the processors to others while idle.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-noinput -kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none',
    ERL_MAX_PORTS: '65536',
    // The Erlang machine replaces the script, so that signals reach it.
    RUNNING_UNDER_SYSTEMD: '1',
  }
}

async function tlsConfig(tls: LabTls, folder: string, port: number): Promise<string> {
  const { certificate, key } = await placeCertificate(tls, folder)
  return `listeners.tcp = none
listeners.ssl.1 = 127.0.0.1:${port}
ssl_options.certfile = ${certificate}
ssl_options.keyfile = ${key}
ssl_options.verify = verify_none
ssl_options.fail_if_no_peer_cert = false
`
}
