import { checkWeight, completeDevice, type Device, type DeviceInput } from './device.ts'
import { RingError } from './errors.ts'
import type { RingData } from './ring.ts'

/** A ring that can be changed; the content of a builder file. */
export interface Builder {
  /** The ring has 2^partPower partitions. */
  partPower: number
  /** May be fractional: 2.5 gives half of the partitions a third replica. */
  replicas: number
  /** A partition that moved stays where it is for this many hours. */
  minPartHours: number
  /** Share above its weight that a device may take to improve dispersion: 0.1 is 10 %. */
  overload: number
  /** Grows with every change. */
  version: number
  devices: (Device | null)[]
  /** Ids of devices that the next rebalance empties and removes. */
  removing: number[]
  /** Partition → device id for each replica; `noDevice` where none is assigned. */
  assignment: Uint16Array[]
  /** Hours since each partition moved, at most 255, as of `movesAsOf`. */
  hoursSinceMove: Uint8Array
  /** Time of the last update of `hoursSinceMove`, in seconds since the epoch. */
  movesAsOf: number
}

/** Device id in `assignment` of a replica that is not assigned. */
export const noDevice = 65535

interface BuilderOptions {
  partPower: number
  replicas: number
  minPartHours: number
  overload?: number
}

/** Returns a builder without devices. Throws RingError when a value is out of range. */
export function createBuilder(options: BuilderOptions): Builder {
  const { partPower, replicas, minPartHours, overload = 0 } = options
  if (!Number.isInteger(partPower) || partPower < 0 || partPower > 32)
    throw new RingError(`part power must be a whole number from 0 to 32, not ${partPower}`)
  if (!(replicas >= 1)) throw new RingError(`replicas must be at least 1, not ${replicas}`)
  if (!Number.isInteger(minPartHours) || minPartHours < 0)
    throw new RingError(`min part hours must be 0 or more, not ${minPartHours}`)
  if (!(overload >= 0)) throw new RingError(`overload must be 0 or more, not ${overload}`)
  return {
    partPower,
    replicas,
    minPartHours,
    overload,
    version: 0,
    devices: [],
    removing: [],
    assignment: [],
    hoursSinceMove: new Uint8Array(2 ** partPower).fill(255),
    movesAsOf: 0,
  }
}

/**
 * Adds a device and returns its id: the given one, else the lowest free id. Throws RingError when the id or disk is
 * taken.
 */
export function addDevice(builder: Builder, input: DeviceInput): number {
  const free = builder.devices.indexOf(null)
  const id = input.id ?? (free < 0 ? builder.devices.length : free)
  if (id >= noDevice) throw new RingError(`device id ${id} is above the highest, ${noDevice - 1}`)
  if (builder.devices[id]) throw new RingError(`device id ${id} is taken`)
  const device = completeDevice(input, id)
  const twin = activeDevices(builder).find(
    (other) => other.ip === device.ip && other.port === device.port && other.device === device.device,
  )
  if (twin) throw new RingError(`${device.ip}:${device.port}/${device.device} is in the ring already, as d${twin.id}`)
  while (builder.devices.length <= id) builder.devices.push(null)
  builder.devices[id] = device
  builder.version++
  return id
}

/**
 * Marks a device; the next rebalance empties it, even before `minPartHours` have passed. Throws RingError if it is
 * unknown.
 */
export function removeDevice(builder: Builder, id: number): void {
  const device = activeDevice(builder, id)
  device.weight = 0
  builder.removing.push(id)
  builder.version++
}

/**
 * Changes the weight of a device; 0 drains it. Throws RingError when the device is unknown or the weight is not valid.
 */
export function setWeight(builder: Builder, id: number, weight: number): void {
  checkWeight(weight)
  activeDevice(builder, id).weight = weight
  builder.version++
}

function activeDevice(builder: Builder, id: number): Device {
  const device = builder.devices[id]
  if (!device) throw new RingError(`there is no device d${id}`)
  if (builder.removing.includes(id)) throw new RingError(`device d${id} is marked for removal`)
  return device
}

/** Returns the devices that are not marked for removal. */
export function activeDevices(builder: Builder): Device[] {
  return builder.devices.filter((device): device is Device => device !== null && !builder.removing.includes(device.id))
}

/** Returns the content of this builder's ring file. Throws RingError before the first rebalance. */
export function ringOf(builder: Builder): RingData {
  if (builder.assignment.length === 0) throw new RingError('the ring has no partitions yet; rebalance it first')
  return {
    devices: builder.devices,
    partShift: 32 - builder.partPower,
    replicas: builder.assignment,
    version: builder.version,
  }
}
