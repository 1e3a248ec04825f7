import { type ConnectionInfo, initiatorName } from '../cloud/volumes.ts'
import { type Exerciser, startExerciser } from './exerciser.ts'
import type { Pattern } from './pattern.ts'

/** Seconds that one machine's login and its reads and writes took. */
export interface Replay {
  login: number
  boot: number
}

/** One iSCSI initiator: a qemu-io process that opens one volume after the other by libiscsi, as qemu itself does. */
export interface Initiator {
  /** Logs in, replays the pattern one operation after the other, flushes, logs out. */
  replay(connection: ConnectionInfo, pattern: Pattern, signal: AbortSignal): Promise<Replay>
  close(): void
}

export function openInitiator(timeoutSeconds: number): Initiator {
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
        return await replayOn(exerciser, connection, pattern)
      } catch (error) {
        // Nobody knows what it has open or still has to read.
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

async function replayOn(exerciser: Exerciser, connection: ConnectionInfo, pattern: Pattern): Promise<Replay> {
  const started = performance.now()
  const refusal = await exerciser.run(`open -o ${openOptions(connection)}\n`)
  if (refusal) throw new Error(`login failed: ${refusal.split('\n')[0]!.replace(/password=[^,\s]*/g, 'password=…')}`)
  const loggedIn = performance.now()
  const failure = await exerciser.run(commandsOf(pattern))
  if (failure) throw new Error(failure.split('\n')[0])
  return { login: (loggedIn - started) / 1000, boot: (performance.now() - loggedIn) / 1000 }
}

/** The block layer's options for this connection. Throws when the volume is not offered over iSCSI. */
export function openOptions(connection: ConnectionInfo): string {
  if (connection.driver_volume_type !== 'iscsi')
    throw new Error(
      `the volume is offered by "${connection.driver_volume_type}", and only iSCSI can be read by this bench: use --no-io`,
    )
  const option = (name: string, value: unknown): string => `${name}=${String(value).replaceAll(',', ',,')}`
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

function commandsOf(pattern: Pattern): string {
  const lines = pattern.operations.map(({ kind, offset, length }) =>
    kind === 'read' ? `r -q ${offset} ${length}` : `w -q -P 0x5a ${offset} ${length}`,
  )
  return `${[...lines, 'flush', 'close'].join('\n')}\n`
}
