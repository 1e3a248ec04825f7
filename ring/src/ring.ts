import { createHash } from 'node:crypto'
import type { Device } from './device.ts'
import { RingError } from './errors.ts'
import { partitionOf } from './partition.ts'

/** Content of a ring file. */
export interface RingData {
  devices: (Device | null)[]
  /** 32 minus the partition power. */
  partShift: number
  /** Partition → device id, one array for each replica; the last may be shorter (fractional replicas). */
  replicas: Uint16Array[]
  version?: number
  /** Partition power after an increase that is in progress. */
  nextPartPower?: number
}

export interface Ring {
  data: RingData
  partitionCount: number
  replicaCount: number
  /** Partition of a hash (`hashPath`). */
  partition(hash: Buffer): number
  /** Assigned devices of the partition, each once, in replica order. */
  primaries(partition: number): Device[]
  /** Devices to use when primaries fail: other regions first, then other zones, hosts and devices. */
  handoffs(partition: number): Generator<Device>
}

/** Returns the look-up functions of a ring. Throws RingError when the ring has no partitions. */
export function openRing(data: RingData): Ring {
  const partitionCount = data.replicas[0]?.length ?? 0
  if (partitionCount === 0) throw new RingError('the ring has no partitions; was it rebalanced?')
  const assigned = assignedDevices(data)
  return {
    data,
    partitionCount,
    replicaCount: data.replicas.length,
    partition: (hash) => partitionOf(hash, data.partShift),
    primaries: (partition) => primariesOf(data, partition),
    handoffs: (partition) => handoffsOf(data, partition, assigned),
  }
}

function primariesOf(data: RingData, partition: number): Device[] {
  const found: Device[] = []
  for (const row of data.replicas) {
    if (partition >= row.length) continue
    const device = data.devices[row[partition]!]
    if (device && !found.includes(device)) found.push(device)
  }
  return found
}

function assignedDevices(data: RingData): Device[] {
  const ids = new Set<number>()
  for (const row of data.replicas) for (const id of row) ids.add(id)
  return [...ids].map((id) => data.devices[id]).filter((device): device is Device => Boolean(device))
}

const levels: ((device: Device) => string)[] = [
  (device) => `${device.region}`,
  (device) => `${device.region}/${device.zone}`,
  (device) => `${device.region}/${device.zone}/${device.ip}`,
  (device) => `${device.id}`,
]

function* handoffsOf(data: RingData, partition: number, assigned: Device[]): Generator<Device> {
  const used = new Set(primariesOf(data, partition))
  const order = scanOrder(data, partition)
  for (const level of levels) {
    const wanted = new Set(assigned.map(level)).size
    const seen = new Set([...used].map(level))
    for (const candidate of order) {
      if (seen.size >= wanted) break
      for (const row of data.replicas) {
        if (candidate >= row.length) continue
        const device = data.devices[row[candidate]!]
        if (!device || used.has(device) || seen.has(level(device))) continue
        yield device
        used.add(device)
        seen.add(level(device))
        if (seen.size >= wanted) break
      }
    }
  }
}

/** Returns partitions in the order of Swift's `get_more_nodes`, which skips some partitions after it wraps around. */
function scanOrder(data: RingData, partition: number): number[] {
  const count = data.replicas[0]!.length
  const digest = createHash('md5').update(String(partition)).digest()
  const start = partitionOf(digest, data.partShift)
  const step = Math.floor(count / 65536) || 1
  const order: number[] = []
  for (let at = start; at < count; at += step) order.push(at)
  for (let at = step - ((count - start) % step); at < start; at += step) order.push(at)
  return order
}
