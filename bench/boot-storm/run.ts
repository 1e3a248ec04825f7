import { openGate } from '@hearth/driver'
import type { Session } from '../cloud/session.ts'
import { deleteVolume, detachVolume, listVolumes } from '../cloud/volumes.ts'
import { openInitiator } from './initiator.ts'
import { type JourneyDeps, journey, type Machine } from './machine.ts'
import type { Pattern } from './pattern.ts'
import type { Progress } from './progress.ts'
import { openWatch } from './watch.ts'

export interface StormOptions {
  /** Prefix of the names of all volumes; no other volume of the project may have it. */
  prefix: string
  count: number
  concurrency: number
  ioConcurrency: number
  /** Boot each machine as soon as it is attached, rather than when all are. */
  overlap: boolean
  pattern: Pattern | null
  cephConf: string
  volume: JourneyDeps['volume']
  /** Limit for one volume to become available, to be read, or to be deleted. */
  timeoutSeconds: number
  pollSeconds: number
}

/** Returns one machine for each of `count`, named by the prefix and a number from 1, with no volume yet. */
export function newMachines(options: Pick<StormOptions, 'count' | 'prefix'>): Machine[] {
  return Array.from({ length: options.count }, (_, index) => ({
    index,
    name: `${options.prefix}-${String(index + 1).padStart(String(options.count).length, '0')}`,
    volumeId: null,
    attachmentId: null,
    spans: [],
    stage: 'create',
    failure: null,
  }))
}

/** Sends all machines on their journey; returns the seconds until the last one ended. Never throws. */
export async function storm(
  session: Session,
  machines: Machine[],
  options: StormOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<number> {
  const began = performance.now()
  const elapsed = (): number => (performance.now() - began) / 1000
  const initiators = Array.from({ length: options.ioConcurrency }, () => openInitiator(options))
  const watch = openWatch(session, { intervalSeconds: options.pollSeconds, timeoutSeconds: options.timeoutSeconds })
  const deps: JourneyDeps = {
    session,
    watch,
    api: openGate(options.concurrency),
    io: openGate(options.ioConcurrency),
    initiators,
    pattern: options.pattern,
    volume: options.volume,
    signal,
    arrive: options.overlap ? async () => {} : barrier(options.count),
    elapsed,
    changed: () => progress.changed(),
  }
  if (signal.aborted) watch.close()
  signal.addEventListener('abort', () => watch.close(), { once: true })
  await Promise.all(machines.map((machine) => journey(machine, deps)))
  const wall = elapsed()
  for (const initiator of initiators) initiator.close()
  watch.close()
  return wall
}

/** Returns a function that resolves for all machines once `count` different ones have called it. */
function barrier(count: number): (machine: Machine) => Promise<void> {
  const arrived = new Set<Machine>()
  const { promise, resolve } = Promise.withResolvers<void>()
  return (machine) => {
    arrived.add(machine)
    if (arrived.size === count) resolve()
    return promise
  }
}

/**
 * Removes the storm's leftovers, also volumes whose create request got no response. Returns a sentence for each one
 * that could not be removed.
 */
export async function cleanUp(session: Session, machines: Machine[], options: StormOptions): Promise<string[]> {
  const enter = openGate(16)
  const ofStorm = async (): Promise<{ id: string; name: string; status: string }[]> =>
    (await listVolumes(session)).filter((volume) => volume.name?.startsWith(options.prefix))
  let left = await ofStorm()
  if (left.length === 0) return []

  const problems: string[] = []
  const attempt = (what: string, work: () => Promise<unknown>): Promise<unknown> =>
    enter(work).catch((error: Error) => problems.push(`${what}: ${error.message}`))
  const attached = machines.flatMap((machine) => machine.attachmentId ?? [])
  await Promise.all(attached.map((id) => attempt(`attachment ${id}`, () => detachVolume(session, id))))
  const watch = openWatch(session, { intervalSeconds: 0.5, timeoutSeconds: options.timeoutSeconds })
  await Promise.all(
    left.map((volume) =>
      attempt(`volume ${volume.name}`, async () => {
        // A volume that is still being created cannot be deleted yet.
        await watch.until(volume.id, (status) => !status?.endsWith('ing') || status === 'deleting')
        await deleteVolume(session, volume.id)
        await watch.until(volume.id, (status) => status === undefined || status.startsWith('error'))
      }),
    ),
  )
  watch.close()
  left = await ofStorm()
  return left.length === 0 ? [] : [...problems, ...left.map((volume) => `${volume.name} is left, ${volume.status}`)]
}
