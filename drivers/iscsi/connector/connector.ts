import {
  type AttachedDevice,
  type ConnectionInfo,
  type ConnectorDriver,
  type DriverDeps,
  DriverError,
  openExclusive,
} from '@hearth/driver'
import { type Path, type Reach, readConnection } from './paths.ts'
import { connectorScript } from './script.ts'

export const connectorOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    multipath: { type: 'boolean', default: false, description: 'log in at every portal and use a multipath map' },
    portals: {
      type: 'object',
      additionalProperties: { type: 'string', pattern: '^(\\d+\\.\\d+\\.\\d+\\.\\d+|\\[[0-9a-f:]+\\]):\\d{1,5}$' },
      default: {},
      description: 'where to reach a portal of a connection, when not where the connection says',
    },
    replacementTimeout: {
      type: 'integer',
      minimum: 1,
      default: 120,
      description: 'seconds that reads and writes wait for a lost target before they fail; with multipath 5 are usual',
    },
  },
}

interface ConnectorOptions {
  multipath: boolean
  portals: Record<string, string>
  replacementTimeout: number
}

/** Milliseconds. */
const patience = 300_000
/** Exit code of iscsiadm: authorization failed. */
const refused = 24

type Verb = 'attach' | 'show' | 'extend' | 'detach'
interface Answer {
  kind: 'device' | 'map' | 'fail' | 'busy' | 'bytes'
  first: string
  rest: string
}
type Ask = (verb: Verb, reach: Reach) => Promise<Answer[]>

/**
 * Attaches iSCSI volumes to the host of `deps.run` by its open-iscsi, and by multipathd when there are several paths.
 */
export async function openIscsiConnector(options: Record<string, unknown>, deps: DriverDeps): Promise<ConnectorDriver> {
  const settings = options as unknown as ConnectorOptions
  const ask = openAsk(settings, deps)
  const exclusive = openExclusive()
  const read = (connection: ConnectionInfo) => readConnection(connection, settings.portals)
  return {
    properties: () => properties(settings, deps),
    async attach(connection, signal) {
      const reach = read(connection)
      return exclusive(lockOf(reach), () => attach(ask, reach, settings.multipath, signal))
    },
    async extend(connection) {
      const reach = read(connection)
      const answers = await exclusive(lockOf(reach), () => ask('extend', reach))
      const bytes = answers.find(({ kind }) => kind === 'bytes')
      if (bytes) return Number(bytes.first)
      throw new DriverError('not-found', `${nameOf(reach)} is not attached to this host`)
    },
    async detach(connection) {
      const reach = read(connection)
      await exclusive(lockOf(reach), () => detach(ask, reach))
    },
  }
}

/** Volumes of one target share its sessions. */
const lockOf = ({ paths }: Reach): string => paths[0]!.iqn
const nameOf = ({ paths }: Reach): string => `LUN ${paths[0]!.lun} of ${paths[0]!.iqn}`

async function attach(ask: Ask, reach: Reach, multipath: boolean, signal?: AbortSignal): Promise<AttachedDevice> {
  const stop = () => {
    if (signal?.aborted) throw new DriverError('aborted', `The attachment of ${nameOf(reach)} was aborted`)
  }
  stop()
  const before = await ask('show', reach)
  if (isAttached(before, multipath)) return deviceOf(before)
  stop()
  try {
    // An abort in the middle would leave a login on its way, on another host for sure: it is heeded afterwards.
    const answers = await ask('attach', reach)
    stop()
    if (!answers.some(({ kind }) => kind === 'device')) throw loginFailure(reach, answers)
    return deviceOf(answers)
  } catch (error) {
    if (before.length === 0) await ask('detach', reach).catch(() => undefined)
    throw error
  }
}

function isAttached(answers: Answer[], multipath: boolean): boolean {
  return answers.some(({ kind }) => kind === (multipath ? 'map' : 'device'))
}

function deviceOf(answers: Answer[]): AttachedDevice {
  const map = answers.find(({ kind }) => kind === 'map')
  const device = answers.find(({ kind }) => kind === 'device')
  return { path: map ? `/dev/mapper/${map.first}` : `/dev/${device?.first}`, format: 'raw' }
}

function loginFailure(reach: Reach, answers: Answer[]): DriverError {
  const failures = answers.filter(({ kind }) => kind === 'fail')
  const said = failures.map(({ rest }) => rest).join('; ') || 'no portal answers'
  const wrong = failures.length > 0 && failures.every(({ first }) => Number(first) === refused)
  return wrong
    ? new DriverError('invalid', `The target refuses the credentials for ${nameOf(reach)}: ${said}`)
    : new DriverError('unavailable', `${nameOf(reach)} cannot be reached: ${said}`)
}

async function detach(ask: Ask, reach: Reach): Promise<void> {
  const answers = await ask('detach', reach)
  const busy = answers.find(({ kind }) => kind === 'busy')
  if (busy) throw new DriverError('busy', `${nameOf(reach)} is in use as ${busy.first}: ${busy.rest}`)
  const failed = answers.find(({ kind }) => kind === 'fail')
  if (failed) throw new DriverError('unavailable', `${nameOf(reach)} cannot be detached: ${failed.rest}`)
}

/** `detach`, `show` and `extend` look at every path, `attach` in single-path mode takes the first that responds. */
function openAsk({ multipath, replacementTimeout }: ConnectorOptions, { run }: DriverDeps): Ask {
  return async (verb, { paths, chap }) => {
    const words = paths.flatMap(({ portal, iqn, lun }: Path) => [portal, iqn, String(lun)])
    const flags = verb === 'attach' ? [multipath ? '1' : '0'] : []
    const input = [chap?.username ?? '', chap?.password ?? '', String(replacementTimeout), ''].join('\n')
    const { stdout } = await run(['sh', '-c', connectorScript, 'sh', verb, ...flags, ...words], {
      ...(verb === 'attach' && { input }),
      timeout: patience,
      secrets: chap ? [chap.password] : [],
    })
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [kind, first = '', ...rest] = line.split('\t')
        return { kind: kind as Answer['kind'], first, rest: rest.join(' ') }
      })
  }
}

/** As os-brick's get_connector_properties says it. */
async function properties({ multipath }: ConnectorOptions, { run }: DriverDeps): Promise<Record<string, unknown>> {
  const script = `
    sed -n 's/^InitiatorName=//p' /etc/iscsi/initiatorname.iscsi 2>/dev/null | tail -n 1
    hostname; uname -m; ip -o route get 192.0.2.1 2>/dev/null | sed 's/.* src \\([^ ]*\\).*/\\1/'`
  const [initiator, host, platform, ip] = (await run(['sh', '-c', script])).stdout.split('\n')
  if (!initiator) {
    const where = '/etc/iscsi/initiatorname.iscsi'
    throw new DriverError('unsupported', `This host has no initiator name in ${where} (Debian's package is open-iscsi)`)
  }
  return { initiator, host, ip: ip || '127.0.0.1', multipath, platform, os_type: 'linux', do_local_attach: false }
}
