import { randomUUID } from 'node:crypto'
import type { Address, DriverLog, Runner, SnapshotRef, VolumeDriver, VolumeRef } from '../src/index.ts'
import type { ByteProbe } from './bytes.ts'

/** The optional methods of a volume driver that the suite looks at; it fails when they are not as declared. */
export const optionalMethods = [
  'revert',
  'list',
  'snapshotAddress',
  'openVolume',
  'openSnapshot',
  'cloneImage',
  'manage',
  'manageable',
  'manageSnapshot',
] as const

/** Which of a volume driver's optional methods are there. */
export type VolumeAbilities = { [method in (typeof optionalMethods)[number]]?: boolean }

export interface VolumeContract {
  name: string
  /**
   * Opens a driver on an empty backend with room for some hundred GiB, sparse or not. The suite checks that this log,
   * and a runner with this log, receive no secret.
   */
  open(log: DriverLog): Promise<VolumeDriver>
  /** Opens a driver on a backend that is full already, for the behaviour at the end of space. */
  openFull?(): Promise<VolumeDriver>
  /** Opens a driver and takes its storage away: unmounted, unplugged, unreachable. */
  openBroken?(log: DriverLog): Promise<VolumeDriver>
  abilities: VolumeAbilities
  /** Runs commands on the host where the driver's addresses mean something; this one when absent. */
  run?: Runner
  /** How many operations at once; 100 when absent. */
  concurrency?: number
  /** How many of them copy bytes, for backends whose copies are whole; half when absent. */
  copies?: number
  /** How often each method is aborted in its middle; 3 when absent. 0 where the driver’s other suites show it. */
  interruptions?: number
  /** The largest size that a thin backend promises, in GiB. */
  maxSizeGiB?: number
  /** Makes a volume of 1 GiB on the backend that is not named as the driver names its own. */
  foreign?(name: string): Promise<void>
  /** Strings that may be in no error and no log line. */
  secrets?: string[]
}

/** A range that must have one value; `of` is a volume's or snapshot's address. */
export type Range = readonly [of: Address, offset: number, length: number, byte: number]

export interface VolumeKit {
  contract: VolumeContract
  bytes: ByteProbe
  /** Runs commands on the host where the addresses are valid. */
  run: Runner
  driver(): VolumeDriver
  address(volume: VolumeRef): Promise<Address>
  /** Looks at all ranges by as few commands as can be. */
  expectBytes(...ranges: Range[]): Promise<void>
}

/** Returns a reference to a new volume. GiB. */
export function newVolume(sizeGiB = 1): VolumeRef {
  const id = randomUUID()
  return { id, name: `volume-${id}`, sizeGiB }
}

/** Returns a reference to a new snapshot of the volume. */
export function newSnapshot(volume: VolumeRef): SnapshotRef {
  const id = randomUUID()
  return { id, name: `snapshot-${id}`, volume }
}
