import { RingError } from './errors.ts'

/** One disk of the cluster, with the field names of Swift's ring files. */
export interface Device {
  id: number
  region: number
  zone: number
  ip: string
  port: number
  replication_ip: string
  replication_port: number
  /** Disk name on its host. */
  device: string
  /** Share of the data, relative to the other devices; 0 drains the device. */
  weight: number
  meta: string
}

/** Fields that `addDevice` requires; the other fields have defaults. */
export type DeviceInput = Pick<Device, 'zone' | 'ip' | 'port' | 'device' | 'weight'> & Partial<Device>

/** Key of a failure domain: '' is the cluster, then region, zone, host, device. */
export type TierKey = string

/** Returns the five failure domains of a device, from the cluster to the device itself. */
export function tiersOf(device: Device): TierKey[] {
  const { region, zone, ip, id } = device
  return ['', `r${region}`, `r${region}z${zone}`, `r${region}z${zone}-${ip}`, `r${region}z${zone}-${ip}/d${id}`]
}

/** Returns a device with the defaults filled in. Throws RingError when a value is missing or not valid. */
export function completeDevice(input: DeviceInput, id: number): Device {
  const device: Device = {
    id,
    region: input.region ?? 1,
    zone: input.zone,
    ip: input.ip,
    port: input.port,
    replication_ip: input.replication_ip ?? input.ip,
    replication_port: input.replication_port ?? input.port,
    device: input.device,
    weight: input.weight,
    meta: input.meta ?? '',
  }
  for (const key of ['region', 'zone', 'port', 'replication_port'] as const) {
    if (!Number.isInteger(device[key]) || device[key] < 0)
      throw new RingError(`${key} must be a whole number, not ${device[key]}`)
  }
  checkWeight(device.weight)
  if (!device.device || !device.ip) throw new RingError('a device needs an ip and a device name')
  return device
}

/** Throws RingError unless the weight is a number of 0 or more. */
export function checkWeight(weight: number): void {
  if (!Number.isFinite(weight) || weight < 0) throw new RingError(`weight must be 0 or more, not ${weight}`)
}

const deviceNotation = /^(?:r(\d+))?z(\d+)-(\[[^\]]+\]|[^:]+):(\d+)(?:R(\[[^\]]+\]|[^:]+):(\d+))?\/([^_]+)(?:_(.*))?$/

/**
 * Parses Swift's notation `[r<region>]z<zone>-<ip>:<port>[R<ip>:<port>]/<device>[_<meta>]`. The region is 1 by default.
 * Throws RingError when the text does not match.
 */
export function parseDevice(text: string, weight: number): DeviceInput {
  const match = deviceNotation.exec(text)
  if (!match) throw new RingError(`"${text}" is not a device; expected [r<region>]z<zone>-<ip>:<port>/<device>`)
  const [, region, zone, ip, port, replicationIp, replicationPort, device, meta] = match
  const bare = (address: string) => address.replace(/^\[|\]$/g, '')
  return {
    region: region === undefined ? 1 : Number(region),
    zone: Number(zone),
    ip: bare(ip!),
    port: Number(port),
    ...(replicationIp ? { replication_ip: bare(replicationIp), replication_port: Number(replicationPort) } : {}),
    device: device!,
    weight,
    meta: meta ?? '',
  }
}
