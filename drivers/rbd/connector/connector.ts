import {
  type AttachedDevice,
  type ConnectionInfo,
  type ConnectorDriver,
  type DriverDeps,
  DriverError,
  type DriverErrorKind,
} from '@hearth/driver'
import { attachmentInput, connectorScript } from './script.ts'

export const connectorOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    conf: {
      type: 'string',
      pattern: '^(/[\\w.@-]+)+$',
      description:
        "this host's ceph.conf, for connections that bring no keyring; the connection's monitors when absent",
    },
    folder: {
      type: 'string',
      pattern: '^(/[\\w.@-]+)+$',
      default: '/run/hearth-rbd',
      description: 'for configurations, keyrings and files of attached volumes',
    },
    method: {
      type: 'string',
      enum: ['auto', 'kernel', 'nbd', 'fuse'],
      default: 'auto',
      description: 'kernel: rbd map; nbd: rbd-nbd; fuse: a file by qemu-storage-daemon; auto: the first that is there',
    },
    connectTimeoutSeconds: { type: 'integer', minimum: 1, default: 10 },
  },
}

interface Options {
  conf?: string
  folder: string
  method: string
  connectTimeoutSeconds: number
}

interface Reach {
  pool: string
  image: string
  user: string
  monitors: string[]
  keyring: string | null
}

type Verb = 'attach' | 'extend' | 'detach'
type Ask = (verb: Verb, connection: ConnectionInfo) => Promise<{ word: string; rest: string }>

/** Time limit of the script in milliseconds; longer than each wait inside it. */
const patience = 120_000

/** Attaches volumes of Ceph to the host of `deps.run`: as block devices where its kernel can, else as files. */
export async function openRbdConnector(given: Record<string, unknown>, deps: DriverDeps): Promise<ConnectorDriver> {
  const options = given as unknown as Options
  const ask = openAsk(options, deps)
  return {
    properties: () => properties(deps),
    async attach(connection, signal) {
      readConnection(connection)
      if (signal?.aborted) throw new DriverError('aborted', 'Attaching was aborted before it began')
      const { rest } = await ask('attach', connection)
      if (signal?.aborted) {
        // Detach only now: the processes that an aborted script has started would keep running.
        await ask('detach', connection)
        throw new DriverError('aborted', 'Attaching was aborted')
      }
      return { path: rest, format: 'raw' } satisfies AttachedDevice
    },
    extend: async (connection) => Number((await ask('extend', connection)).rest),
    async detach(connection) {
      const { word } = await ask('detach', connection)
      if (word !== 'busy') return
      const { pool, image } = readConnection(connection)
      throw new DriverError('busy', `${pool}/${image} is in use on this host: unmount or close it first`)
    },
  }
}

function openAsk({ conf = '', folder, method, connectTimeoutSeconds }: Options, { run }: DriverDeps): Ask {
  return async (verb, connection) => {
    const { pool, image, user, monitors, keyring } = readConnection(connection)
    const settings = { mon_host: monitors.join(','), client_mount_timeout: String(connectTimeoutSeconds) }
    const argv = ['sh', '-c', connectorScript, 'sh', verb, method, folder, pool, image, user, conf]
    const secrets = secretsOf(keyring)
    const input = attachmentInput(settings, keyring)
    const { stdout } = await run(argv, { input, timeout: patience, secrets })
    const [, word = '', rest = ''] = /(?:^|\n)(\w+) ?([^\n]*)\n$/.exec(stdout) ?? []
    if (word !== 'fail') return { word, rest }
    const [, kind, said = ''] = /^(\S+) ?(.*)$/.exec(rest) ?? []
    const shown = secrets.reduce((text, secret) => text.replaceAll(secret, '***'), said)
    throw new DriverError(kind as DriverErrorKind, `${verb} ${pool}/${image}: ${shown}`)
  }
}

function secretsOf(keyring: string | null): string[] {
  if (keyring === null) return []
  return [keyring, ...[...keyring.matchAll(/key\s*=\s*(\S+)/g)].map((found) => found[1]!)]
}

const word = /^[A-Za-z0-9_][\w.-]{0,200}$/
const host = /^(?:[A-Za-z0-9][A-Za-z0-9.-]{0,250}|\[?[0-9A-Fa-f:]{2,40}\]?)$/

/**
 * Reads the needed keys of upstream's `rbd` dictionary. Throws `invalid` for names and addresses that are malformed.
 */
function readConnection({ driver_volume_type: type, data }: ConnectionInfo): Reach {
  const wrong = (key: string, rule: string) =>
    new DriverError('invalid', `The connection's ${key} ${JSON.stringify(data[key] ?? null).slice(0, 80)} ${rule}`)
  if (type !== 'rbd') throw new DriverError('invalid', `A connection of type ${JSON.stringify(type)} is not rbd`)
  const { name, auth_username: user, hosts, ports, keyring = null } = data
  const [pool, image, ...more] = typeof name === 'string' ? name.split('/') : []
  if (!pool || !image || more.length > 0 || !word.test(pool) || !word.test(image)) {
    throw wrong('name', 'is not a pool and an image with a / between them')
  }
  if (typeof user !== 'string' || !word.test(user)) throw wrong('auth_username', "is no Ceph user's name")
  if (!Array.isArray(hosts) || hosts.length === 0 || !hosts.every((one) => typeof one === 'string' && host.test(one))) {
    throw wrong('hosts', 'are not addresses of monitors')
  }
  if (
    !Array.isArray(ports) ||
    ports.length !== hosts.length ||
    !ports.every((port) => /^\d{1,5}$/.test(String(port)))
  ) {
    throw wrong('ports', 'are not one port for each host')
  }
  if (keyring !== null && typeof keyring !== 'string') throw new DriverError('invalid', 'The keyring is no text')
  // Without a protocol in the address a client would try v2 at a port of v1.
  const monitors = hosts.map(
    (one: string, i) => `[v1:${one.includes(':') && !one.startsWith('[') ? `[${one}]` : one}:${ports[i]}/0]`,
  )
  return { pool, image, user, monitors, keyring }
}

async function properties({ run }: DriverDeps): Promise<Record<string, unknown>> {
  const { stdout } = await run(['uname', '-n', '-m'])
  const [name, platform] = stdout.trim().split(' ')
  return { host: name, platform, os_type: 'linux', multipath: false, do_local_attach: true }
}
