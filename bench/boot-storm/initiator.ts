import { type ConnectionInfo, initiatorName } from '../cloud/volumes.ts'
import { type Exerciser, startExerciser } from './exerciser.ts'
import type { Pattern } from './pattern.ts'

/** Seconds that one machine's login and its reads and writes took. */
export interface Replay {
  login: number
  boot: number
}

/** A host that reads volumes: a qemu-io process opens one after another by libiscsi or librbd, as qemu does. */
export interface Initiator {
  /** Logs in, replays the pattern one operation after the other, flushes, logs out. */
  replay(connection: ConnectionInfo, pattern: Pattern, signal: AbortSignal): Promise<Replay>
  close(): void
}

interface InitiatorOptions {
  /** Limit for one volume's reads and writes. */
  timeoutSeconds: number
  /** The ceph.conf that leads to the cluster of RBD volumes, and to the key of their user. */
  cephConf: string
}

/** Returns an initiator that starts qemu-io at its first replay, and again after a replay that failed. */
export function openInitiator({ timeoutSeconds, cephConf }: InitiatorOptions): Initiator {
  let exerciser: Exerciser | null = null
  const kill = (why: string): void => {
    exerciser?.kill(why)
    exerciser = null
  }
  return {
    async replay(connection, pattern, signal) {
      exerciser ??= startExerciser()
      const timer = setTimeout(
        () => kill(`no end after ${timeoutSeconds} s of reads and writes.`),
        timeoutSeconds * 1000,
      )
      const stop = (): void => kill('stopped')
      signal.addEventListener('abort', stop, { once: true })
      try {
        return await replayOn(exerciser, openOptions(connection, cephConf), pattern)
      } catch (error) {
        // The state of the process is unknown: it may have a volume open or commands left to read.
        kill('failed')
        throw error
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
      }
    },
    close: () => kill('closed'),
  }
}

async function replayOn(exerciser: Exerciser, opening: string, pattern: Pattern): Promise<Replay> {
  const started = performance.now()
  const refusal = await exerciser.run(`open -o ${opening}\n`)
  if (refusal) throw new Error(`login failed: ${refusal.split('\n')[0]!.replace(/password=[^,\s]*/g, 'password=…')}`)
  const loggedIn = performance.now()
  const failure = await exerciser.run(commandsOf(pattern))
  if (failure) throw new Error(failure.split('\n')[0])
  return { login: (loggedIn - started) / 1000, boot: (performance.now() - loggedIn) / 1000 }
}

const option = (name: string, value: unknown): string => `${name}=${String(value).replaceAll(',', ',,')}`

/** Returns qemu's block options for this connection. Throws for protocols other than iSCSI and RBD. */
export function openOptions(connection: ConnectionInfo, cephConf: string): string {
  if (connection.driver_volume_type === 'iscsi') return iscsiOptions(connection)
  if (connection.driver_volume_type === 'rbd') return rbdOptions(connection, cephConf)
  throw new Error(
    `the volume is offered by "${connection.driver_volume_type}", and only iSCSI and RBD can be read by this bench: use --no-io`,
  )
}

function iscsiOptions(connection: ConnectionInfo): string {
  const options = [
    'driver=iscsi',
    'transport=tcp',
    option('portal', connection.target_portal),
    option('target', connection.target_iqn),
    option('lun', connection.target_lun ?? 0),
    option('initiator-name', initiatorName),
  ]
  if (connection.auth_method === 'CHAP')
    options.push(option('user', connection.auth_username), option('password', connection.auth_password))
  return options.join(',')
}

function rbdOptions(connection: ConnectionInfo, cephConf: string): string {
  const [pool, ...image] = String(connection.name).split('/')
  return [
    'driver=rbd',
    option('pool', pool),
    option('image', image.join('/')),
    option('user', connection.auth_username),
    option('conf', cephConf),
  ].join(',')
}

function commandsOf(pattern: Pattern): string {
  const lines = pattern.operations.map(({ kind, offset, length }) =>
    kind === 'read' ? `r -q ${offset} ${length}` : `w -q -P 0x5a ${offset} ${length}`,
  )
  return `${[...lines, 'flush', 'close'].join('\n')}\n`
}
