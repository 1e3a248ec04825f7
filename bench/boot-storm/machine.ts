import type { Gate } from '@hearth/driver'
import type { Session } from '../cloud/session.ts'
import {
  attachVolume,
  type ConnectionInfo,
  createVolume,
  deleteVolume,
  detachVolume,
  failureOf,
} from '../cloud/volumes.ts'
import type { Initiator, Replay } from './initiator.ts'
import type { Pattern } from './pattern.ts'
import type { Watch } from './watch.ts'

/** The stages of a machine, in order. */
export const stages = ['create', 'available', 'attach', 'login', 'boot', 'detach', 'delete'] as const
export type Stage = (typeof stages)[number]

/** Seconds since the first request of the storm. */
export interface Span {
  stage: Stage
  start: number
  end: number
}

export interface Machine {
  index: number
  name: string
  volumeId: string | null
  attachmentId: string | null
  spans: Span[]
  /** The stage under way. */
  stage: Stage | 'waiting' | 'done'
  failure: { stage: Stage; reason: string } | null
}

export interface JourneyDeps {
  session: Session
  watch: Watch
  /** Machines that may talk to the API at once. */
  api: Gate
  /** Machines that may read and write at once, each by an initiator of its own. */
  io: Gate
  initiators: Initiator[]
  /** Null when the volumes are not to be read. */
  pattern: Pattern | null
  volume: { sizeGiB: number; imageId: string; volumeType: string | null }
  signal: AbortSignal
  /** Says that this machine is attached, or has failed; resolves when it may start to boot. */
  arrive(machine: Machine): Promise<void>
  /** Seconds since the storm began. */
  elapsed(): number
  changed(): void
}

/** Takes a machine from its first request until its volume is gone. Never throws: sets `machine.failure`. */
export async function journey(machine: Machine, deps: JourneyDeps): Promise<void> {
  try {
    const connection = await deps.api(() => build(machine, deps))
    machine.stage = 'waiting'
    await deps.arrive(machine)
    if (deps.pattern) await deps.io(() => boot(machine, connection, deps))
    await deps.api(() => takeDown(machine, deps))
    machine.stage = 'done'
  } catch (error) {
    const stage = machine.stage === 'waiting' || machine.stage === 'done' ? 'boot' : machine.stage
    machine.failure ??= { stage, reason: (error as Error).message }
    void deps.arrive(machine)
  }
  deps.changed()
}

async function build(machine: Machine, deps: JourneyDeps): Promise<ConnectionInfo> {
  const { session, watch } = deps
  const id = await timed(machine, 'create', deps, () => createVolume(session, { name: machine.name, ...deps.volume }))
  machine.volumeId = id
  await timed(machine, 'available', deps, async () => {
    const status = await watch.until(id, (seen) => seen === 'available' || seen?.startsWith('error') === true)
    if (status !== 'available') throw new Error(`volume ${id} went to ${status}: ${await whyOf(session, id)}`)
  })
  return timed(machine, 'attach', deps, async () => {
    const attachment = await attachVolume(session, id, (attachmentId) => {
      machine.attachmentId = attachmentId
    })
    return attachment.connection
  })
}

async function whyOf(session: Session, id: string): Promise<string> {
  return (await failureOf(session, id).catch(() => null)) ?? 'the cloud gives no reason'
}

async function boot(machine: Machine, connection: ConnectionInfo, deps: JourneyDeps): Promise<void> {
  deps.signal.throwIfAborted()
  const initiator = deps.initiators.pop()!
  const start = deps.elapsed()
  machine.stage = 'login'
  deps.changed()
  let replay: Replay
  try {
    replay = await initiator.replay(connection, deps.pattern!, deps.signal)
  } catch (error) {
    machine.stage = (error as Error).message.startsWith('login') ? 'login' : 'boot'
    throw error
  } finally {
    deps.initiators.push(initiator)
  }
  const loggedIn = start + replay.login
  machine.spans.push(
    { stage: 'login', start, end: loggedIn },
    { stage: 'boot', start: loggedIn, end: loggedIn + replay.boot },
  )
}

async function takeDown(machine: Machine, deps: JourneyDeps): Promise<void> {
  const { session, watch } = deps
  await timed(machine, 'detach', deps, () => detachVolume(session, machine.attachmentId!))
  machine.attachmentId = null
  const id = machine.volumeId!
  await timed(machine, 'delete', deps, async () => {
    await deleteVolume(session, id)
    const status = await watch.until(id, (seen) => seen === undefined || seen.startsWith('error'))
    if (status !== undefined) throw new Error(`volume ${id} went to ${status}: ${await whyOf(session, id)}`)
  })
  machine.volumeId = null
}

async function timed<T>(machine: Machine, stage: Stage, deps: JourneyDeps, work: () => Promise<T>): Promise<T> {
  deps.signal.throwIfAborted()
  machine.stage = stage
  deps.changed()
  const start = deps.elapsed()
  const result = await work()
  machine.spans.push({ stage, start, end: deps.elapsed() })
  return result
}
