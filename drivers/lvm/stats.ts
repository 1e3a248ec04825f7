import type { BackendStats, PoolStats } from '@hearth/driver'
import { type Backend, gib } from './backend.ts'
import { volumeIn } from './group.ts'
import type { GroupReport } from './lvm.ts'

/** Stats of the pool or group, in GiB. `location_info` is upstream's: it shows that a migration stays on one host. */
export function statsOf(backend: Backend, report: GroupReport): BackendStats {
  const { options, group, host, thin } = backend
  const type = thin ? 'thin' : 'default'
  return {
    vendorName: 'Open Source',
    driverVersion: '1.0',
    storageProtocol: 'iSCSI',
    pools: [
      {
        poolName: group.name,
        ...capacities(backend, report),
        reservedPercentage: options.reservedPercentage,
        maxOverSubscriptionRatio: options.maxOverSubscriptionRatio,
        thinProvisioning: thin,
        thickProvisioning: !thin,
        multiattach: true,
        onlineExtend: true,
        qosSupport: false,
        capabilities: {
          location_info: `LVMVolumeDriver:${host}:${group.name}:${type}:${options.mirrors}`,
          sparse_copy_volume: thin,
          total_volumes: report.volumes.filter((one) => one.kind !== 'pool').length,
          backend_state: report.devices.some((device) => device.missing) ? 'down' : 'up',
          ...options.capabilities,
        },
      },
    ],
  }
}

type Capacities = Pick<PoolStats, 'totalCapacityGb' | 'freeCapacityGb' | 'provisionedCapacityGb'>

function capacities({ thin, pool, options }: Backend, report: GroupReport): Capacities {
  const thinPool = thin ? volumeIn(report, pool) : undefined
  if (thinPool) {
    const promised = report.volumes.filter((one) => one.pool === pool).reduce((sum, one) => sum + one.sizeBytes, 0)
    return {
      totalCapacityGb: inGiB(thinPool.sizeBytes),
      freeCapacityGb: inGiB(thinPool.sizeBytes * (1 - thinPool.dataPercent / 100)),
      provisionedCapacityGb: inGiB(promised),
    }
  }
  const copies = options.mirrors + 1
  const free = options.mirrors > 0 ? mirroredFree(report, options.mirrors) : report.freeBytes
  const used = (report.sizeBytes - report.freeBytes) / copies
  return {
    totalCapacityGb: inGiB(free + used),
    freeCapacityGb: inGiB(free),
    provisionedCapacityGb: inGiB(used),
  }
}

/**
 * Returns the bytes available for volumes whose copies are all on different devices. The `j` largest devices hold at
 * most `j` copies of each byte, so the other devices must hold the remaining copies.
 */
export function mirroredFree(report: GroupReport, mirrors: number): number {
  const free = report.devices.map((device) => device.freeBytes).sort((a, b) => b - a)
  const bounds = Array.from({ length: mirrors + 1 }, (_, j) => {
    const others = free.slice(j).reduce((sum, bytes) => sum + bytes, 0)
    return others / (mirrors + 1 - j)
  })
  return Math.floor(Math.min(...bounds))
}

function inGiB(bytes: number): number {
  return Math.round((bytes / gib) * 100) / 100
}
