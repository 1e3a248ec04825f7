import { type Device, type TierKey, tiersOf } from './device.ts'
import { RingError } from './errors.ts'

/** Replicas of one partition that each failure domain should hold, as fractions. */
export interface ReplicaPlan {
  /** Between `weighted` and `wanted`, as far as the overload allows. */
  target: Map<TierKey, number>
  /** In proportion to weight. */
  weighted: Map<TierKey, number>
  /** Most even spread, without regard to weights. */
  wanted: Map<TierKey, number>
  /** Domain → domains directly below it. */
  children: Map<TierKey, TierKey[]>
  /** Overload that full dispersion would need. */
  requiredOverload: number
}

/**
 * Returns how many replicas each tier gets: in proportion to weight, moved towards an even spread over failure domains
 * as far as `overload` allows (0.1: a device may take 10 % more than its weight gives). Throws RingError when there are
 * fewer devices with weight than replicas.
 */
export function planReplicas(devices: Device[], replicas: number, overload: number): ReplicaPlan {
  const usable = devices.filter((device) => device.weight > 0)
  if (usable.length < replicas)
    throw new RingError(`Replica count of ${replicas} requires more than ${usable.length} devices`)
  const children = childrenOf(usable)
  const weighted = sumTiers(usable, weightedByDevice(usable, replicas))
  const wanted = wantedByTier(usable, children, replicas)
  let requiredOverload = 0
  for (const device of usable) {
    const key = tiersOf(device)[4]!
    requiredOverload = Math.max(requiredOverload, wanted.get(key)! / weighted.get(key)! - 1)
  }
  const share = requiredOverload > 1e-9 ? Math.min(overload, requiredOverload) / requiredOverload : 1
  const target = new Map<TierKey, number>()
  for (const [key, value] of weighted) target.set(key, value + (wanted.get(key)! - value) * share)
  return { target, weighted, wanted, children, requiredOverload }
}

function childrenOf(devices: Device[]): Map<TierKey, TierKey[]> {
  const children = new Map<TierKey, TierKey[]>()
  for (const device of devices) {
    const tiers = tiersOf(device)
    for (let level = 0; level < 4; level++) {
      const below = children.get(tiers[level]!) ?? []
      if (!below.includes(tiers[level + 1]!)) below.push(tiers[level + 1]!)
      children.set(tiers[level]!, below)
    }
  }
  return children
}

/** In proportion to weight, but at most one replica of a partition for each device; the others take the excess. */
function weightedByDevice(devices: Device[], replicas: number): Map<Device, number> {
  const share = new Map<Device, number>()
  let open = [...devices]
  let left = replicas
  while (open.length > 0) {
    const total = open.reduce((sum, device) => sum + device.weight, 0)
    const full = open.filter((device) => (device.weight / total) * left >= 1)
    if (full.length === 0) {
      for (const device of open) share.set(device, (device.weight / total) * left)
      break
    }
    for (const device of full) share.set(device, 1)
    left -= full.length
    open = open.filter((device) => !full.includes(device))
  }
  return share
}

function sumTiers(devices: Device[], share: Map<Device, number>): Map<TierKey, number> {
  const sums = new Map<TierKey, number>()
  for (const device of devices) {
    for (const key of tiersOf(device)) sums.set(key, (sums.get(key) ?? 0) + share.get(device)!)
  }
  return sums
}

/** Returns the most even spread, limited by the number of devices in each domain. */
function wantedByTier(devices: Device[], children: Map<TierKey, TierKey[]>, replicas: number): Map<TierKey, number> {
  const room = new Map<TierKey, number>()
  for (const device of devices) for (const key of tiersOf(device)) room.set(key, (room.get(key) ?? 0) + 1)
  const wanted = new Map<TierKey, number>()
  const distribute = (key: TierKey, amount: number): void => {
    wanted.set(key, amount)
    let open = [...(children.get(key) ?? [])].sort((a, b) => room.get(a)! - room.get(b)!)
    let left = amount
    while (open.length > 0) {
      const level = left / open.length
      const [smallest] = open
      const given = Math.min(level, room.get(smallest!)!)
      distribute(smallest!, given)
      left -= given
      open = open.slice(1)
    }
  }
  distribute('', replicas)
  return wanted
}
