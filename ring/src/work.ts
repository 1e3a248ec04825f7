import { type Builder, noDevice } from './builder.ts'
import { type Device, type TierKey, tiersOf } from './device.ts'
import type { ReplicaPlan } from './plan.ts'
import { type Random, shuffle } from './random.ts'

/** State of one rebalance: how many more replicas each failure domain should take. */
export interface Work {
  /** Replicas without a device. */
  unassigned(): Slot[]
  /** Chooses a device for each replica, in random order. */
  assignAll(slots: Slot[]): void
  /** Takes the replica from its device. */
  unassign(slot: Slot): void
  /** True when the device holds more replicas than it should. */
  isTooFull(deviceId: number): boolean
  /** Replica of the partition in a failure domain that holds more than its share; undefined when there is none. */
  mostCrowded(partition: number): Slot | undefined
}

interface State {
  builder: Builder
  plan: ReplicaPlan
  random: Random
  /** Tier → replicas it should still take; below zero when it has too many. */
  open: Map<TierKey, number>
  tiers: TierKey[][]
  idOf: Map<TierKey, number>
  /** Tier → number of devices with weight in it. */
  room: Map<TierKey, number>
}

/** Returns the state of a rebalance of this builder; its methods change the builder's assignment. */
export function openWork(builder: Builder, plan: ReplicaPlan, random: Random): Work {
  const tiers = builder.devices.map((device) => (device ? tiersOf(device) : []))
  const state: State = {
    builder,
    plan,
    random,
    tiers,
    open: goals(builder, plan),
    idOf: new Map(),
    room: new Map(),
  }
  for (const device of builder.devices) if (device) register(state, device)
  for (const row of builder.assignment) {
    for (const id of row) if (id !== noDevice) change(state, id, -1)
  }
  return {
    unassigned: () => unassigned(builder),
    assignAll: (slots) => assignAll(state, slots),
    unassign(slot) {
      const row = builder.assignment[slot.replica]!
      change(state, row[slot.partition]!, 1)
      row[slot.partition] = noDevice
    },
    isTooFull: (id) => id !== noDevice && (state.open.get(tiers[id]![4]!) ?? -1) < 0,
    mostCrowded: (partition) => mostCrowded(state, partition),
  }
}

function register(state: State, device: Device): void {
  const tiers = state.tiers[device.id]!
  state.idOf.set(tiers[4]!, device.id)
  if (!state.plan.target.has(tiers[4]!)) return
  for (const key of tiers) state.room.set(key, (state.room.get(key) ?? 0) + 1)
}

function change(state: State, id: number, by: number): void {
  for (const key of state.tiers[id]!) state.open.set(key, (state.open.get(key) ?? 0) + by)
}

/** Returns a whole number of replicas for each tier; the children of a tier add up to it. */
function goals(builder: Builder, plan: ReplicaPlan): Map<TierKey, number> {
  const result = new Map<TierKey, number>()
  const spread = (key: TierKey, parts: number): void => {
    result.set(key, parts)
    const children = plan.children.get(key) ?? []
    const parent = plan.target.get(key)!
    const exact = children.map((child) => ({ child, parts: (plan.target.get(child)! / parent) * parts }))
    let rest = parts - exact.reduce((sum, entry) => sum + Math.floor(entry.parts), 0)
    exact.sort((a, b) => (b.parts % 1) - (a.parts % 1))
    for (const entry of exact) {
      const extra = rest > 0 ? 1 : 0
      rest -= extra
      spread(entry.child, Math.floor(entry.parts) + extra)
    }
  }
  spread(
    '',
    builder.assignment.reduce((sum, row) => sum + row.length, 0),
  )
  return result
}

function unassigned(builder: Builder): Slot[] {
  const slots: Slot[] = []
  builder.assignment.forEach((row, replica) => {
    row.forEach((id, partition) => {
      if (id === noDevice) slots.push({ partition, replica })
    })
  })
  return slots
}

function assignAll(state: State, slots: Slot[]): void {
  for (const slot of shuffle([...slots], state.random)) {
    const id = choose(state, slot.partition)
    state.builder.assignment[slot.replica]![slot.partition] = id
    change(state, id, -1)
  }
}

/** Returns tier → number of replicas of the partition. */
function replicasByTier(state: State, partition: number): Map<TierKey, number> {
  const counts = new Map<TierKey, number>()
  for (const row of state.builder.assignment) {
    const id = row[partition]
    if (id === undefined || id === noDevice) continue
    for (const key of state.tiers[id]!) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return counts
}

/** Highest number of replicas of one partition that the tier may hold. */
const mostReplicas = (state: State, key: TierKey) => Math.ceil((state.plan.target.get(key) ?? 0) - 1e-6)

/** Returns a device id: descends into the domain that should take the most and is below its share of this partition. */
function choose(state: State, partition: number): number {
  const counts = replicasByTier(state, partition)
  let key: TierKey = ''
  while (!state.idOf.has(key)) {
    const roomy = state.plan.children.get(key)!.filter((child) => (counts.get(child) ?? 0) < state.room.get(child)!)
    const spread = roomy.filter((child) => (counts.get(child) ?? 0) < mostReplicas(state, child))
    const options = spread.length > 0 ? spread : roomy
    let best = options[0]!
    let ties = 1
    for (const option of options.slice(1)) {
      const difference = state.open.get(option)! - state.open.get(best)!
      ties = difference > 0 ? 1 : difference === 0 ? ties + 1 : ties
      if (difference > 0 || (difference === 0 && state.random() < 1 / ties)) best = option
    }
    key = best
  }
  return state.idOf.get(key)!
}

function mostCrowded(state: State, partition: number): Slot | undefined {
  const counts = replicasByTier(state, partition)
  let worst: Slot | undefined
  let least = Number.POSITIVE_INFINITY
  state.builder.assignment.forEach((row, replica) => {
    const id = row[partition]
    if (id === undefined || id === noDevice) return
    const tiers = state.tiers[id]!
    if (!tiers.some((key) => state.plan.target.has(key) && counts.get(key)! > mostReplicas(state, key))) return
    const open = state.open.get(tiers[4]!) ?? 0
    if (open >= least) return
    least = open
    worst = { partition, replica }
  })
  return worst
}

/** One replica of a partition that needs a device. */
export interface Slot {
  partition: number
  replica: number
}
