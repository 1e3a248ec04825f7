import { activeDevices, type Builder, noDevice } from './builder.ts'
import { type TierKey, tiersOf } from './device.ts'
import { RingError } from './errors.ts'
import { planReplicas } from './plan.ts'
import { countParts } from './rebalance.ts'

/** Balance, in per cent, of a device that holds partitions although it has no weight. */
const drained = 999.99

interface DeviceBalance {
  id: number
  /** Number of replicas that the device holds. */
  parts: number
  /** Partitions above the share that the weight gives, in per cent of that share; negative when below. */
  balance: number
}

/** Returns the balance of every device that is not marked for removal, in the order of their ids. */
export function balanceByDevice(builder: Builder): DeviceBalance[] {
  const devices = activeDevices(builder)
  const counts = countParts(builder)
  if (builder.assignment.length === 0) return devices.map(({ id }) => ({ id, parts: 0, balance: 0 }))
  const { weighted } = planReplicas(devices, builder.replicas, 0)
  return devices.map((device) => {
    const parts = counts.get(device.id) ?? 0
    const share = (weighted.get(tiersOf(device)[4]!) ?? 0) * 2 ** builder.partPower
    if (share === 0) return { id: device.id, parts, balance: parts > 0 ? drained : 0 }
    return { id: device.id, parts, balance: (100 * parts) / share - 100 }
  })
}

/** Returns the balance of the worst device: per cent, without sign. */
export function balanceOf(builder: Builder): number {
  return Math.max(0, ...balanceByDevice(builder).map((entry) => Math.abs(entry.balance)))
}

/**
 * Returns the share of replicas, in per cent, whose failure domain holds more of their partition than an even spread
 * would.
 */
export function dispersionOf(builder: Builder): number {
  if (builder.assignment.length === 0) return 0
  const { wanted } = planReplicas(activeDevices(builder), builder.replicas, 0)
  const tiers = builder.devices.map((device) => (device ? tiersOf(device) : []))
  let atRisk = 0
  let total = 0
  for (let partition = 0; partition < 2 ** builder.partPower; partition++) {
    const counts = new Map<TierKey, number>()
    for (const row of builder.assignment) {
      const id = row[partition]
      if (id === undefined || id === noDevice) continue
      total++
      for (const key of tiers[id]!) counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    let worst = 0
    for (const [key, count] of counts) worst = Math.max(worst, count - Math.ceil((wanted.get(key) ?? 0) - 1e-6))
    atRisk += worst
  }
  return total === 0 ? 0 : (100 * atRisk) / total
}

/** Throws RingError when a replica has no device or two replicas of a partition share one. */
export function validateRing(builder: Builder): void {
  if (builder.assignment.length === 0) throw new RingError('the ring has no partitions yet; rebalance it first')
  for (let partition = 0; partition < 2 ** builder.partPower; partition++) {
    const seen = new Set<number>()
    builder.assignment.forEach((row, replica) => {
      if (partition >= row.length) return
      const id = row[partition]!
      if (!builder.devices[id]) throw new RingError(`partition ${partition}, replica ${replica} has no device`)
      if (seen.has(id)) throw new RingError(`partition ${partition} is on device d${id} twice`)
      seen.add(id)
    })
  }
}
