import { activeDevices, type Builder, noDevice } from './builder.ts'
import type { Device } from './device.ts'
import { planReplicas } from './plan.ts'
import { type Random, seededRandom } from './random.ts'
import { openWork, type Slot, type Work } from './work.ts'

interface RebalanceOptions {
  /** Seed of the random choices: the same seed and builder give the same ring. */
  seed?: string
  /** Current time in seconds since the epoch. */
  now?: number
}

interface RebalanceResult {
  /** Number of partitions with a replica that changed its device. */
  moved: number
  removedDevices: number
}

/**
 * Assigns every partition: empties removed devices, then moves badly dispersed replicas, then replicas of devices that
 * are too full. The last two move at most one replica of a partition, and none of a partition that moved less than
 * `minPartHours` ago. Throws RingError when there are fewer devices with weight than replicas.
 */
export function rebalance(builder: Builder, options: RebalanceOptions = {}): RebalanceResult {
  const plan = planReplicas(activeDevices(builder), builder.replicas, builder.overload)
  const now = options.now ?? Math.floor(Date.now() / 1000)
  const random = seededRandom(options.seed ?? String(Math.random()))
  ageMoves(builder, now)
  const before = builder.assignment.map((row) => row.slice())
  resize(builder)
  const removedDevices = emptyRemoved(builder)
  const work = openWork(builder, plan, random)
  work.assignAll(work.unassigned())
  const touched = new Set<number>()
  work.assignAll(gatherForDispersion(builder, work, touched))
  for (let round = 0; round < 3; round++) {
    const gathered = gatherForBalance(builder, work, random, touched)
    if (gathered.length === 0) break
    work.assignAll(gathered)
  }
  builder.version++
  return { moved: recordMoves(builder, before), removedDevices }
}

function ageMoves(builder: Builder, now: number): void {
  const hours = Math.floor((now - builder.movesAsOf) / 3600)
  if (hours <= 0) return
  builder.movesAsOf = now
  for (let partition = 0; partition < builder.hoursSinceMove.length; partition++)
    builder.hoursSinceMove[partition] = Math.min(255, builder.hoursSinceMove[partition]! + hours)
}

/** Resizes the assignment to the replica count; a fractional count gives a shorter last array. */
function resize(builder: Builder): void {
  const partitions = 2 ** builder.partPower
  const whole = Math.floor(builder.replicas)
  const lengths = new Array<number>(whole).fill(partitions)
  const partial = Math.floor(partitions * (builder.replicas - whole))
  if (partial > 0) lengths.push(partial)
  builder.assignment = lengths.map((length, replica) => {
    const row = new Uint16Array(length).fill(noDevice)
    row.set((builder.assignment[replica] ?? new Uint16Array()).subarray(0, length))
    return row
  })
}

function emptyRemoved(builder: Builder): number {
  const removed = new Set(builder.removing)
  for (const row of builder.assignment) {
    row.forEach((id, partition) => {
      if (!removed.has(id)) return
      row[partition] = noDevice
      builder.hoursSinceMove[partition] = 0
    })
  }
  for (const id of removed) builder.devices[id] = null
  builder.removing = []
  return removed.size
}

const canMove = (builder: Builder, partition: number) => builder.hoursSinceMove[partition]! >= builder.minPartHours

function gatherForDispersion(builder: Builder, work: Work, touched: Set<number>): Slot[] {
  const gathered: Slot[] = []
  for (let partition = 0; partition < 2 ** builder.partPower; partition++) {
    if (!canMove(builder, partition)) continue
    const slot = work.mostCrowded(partition)
    if (!slot) continue
    work.unassign(slot)
    gathered.push(slot)
    touched.add(partition)
  }
  return gathered
}

/** Takes replicas from devices that hold more than they should, starting at a random partition. */
function gatherForBalance(builder: Builder, work: Work, random: Random, touched: Set<number>): Slot[] {
  const gathered: Slot[] = []
  const partitions = 2 ** builder.partPower
  const start = Math.floor(random() * partitions)
  for (let step = 0; step < partitions; step++) {
    const partition = (start + step) % partitions
    if (touched.has(partition) || !canMove(builder, partition)) continue
    const replica = builder.assignment.findIndex((row) => partition < row.length && work.isTooFull(row[partition]!))
    if (replica < 0) continue
    const slot = { partition, replica }
    work.unassign(slot)
    gathered.push(slot)
    touched.add(partition)
  }
  return gathered
}

/** Returns the number of moved partitions and records that they moved now. */
function recordMoves(builder: Builder, before: Uint16Array[]): number {
  let moved = 0
  for (let partition = 0; partition < 2 ** builder.partPower; partition++) {
    const changed = builder.assignment.some((row, replica) => row[partition] !== before[replica]?.[partition])
    if (!changed) continue
    moved++
    builder.hoursSinceMove[partition] = 0
  }
  return moved
}

/** Returns device id → number of replicas that the device holds. */
export function countParts(builder: Builder): Map<number, number> {
  const counts = new Map<number, number>(activeDevices(builder).map((device: Device) => [device.id, 0]))
  for (const row of builder.assignment) {
    for (const id of row) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}
