import type { DriverLog, ExportDriver, Exported, ExportRequest, Runner } from '../src/index.ts'
import type { ByteProbe } from './bytes.ts'

export interface ExportContract {
  name: string
  /** Opens the driver with this log, through a runner of this log as well. */
  open(log: DriverLog): Promise<ExportDriver>
  /** Opens it as another process would that follows the first. */
  reopen?(): Promise<ExportDriver>
  /** Makes a device of 64 MiB that reads as zeros, and returns its path. */
  device(): Promise<string>
  /** As `device`, for many at once, where no device can be offered twice. */
  devices?(count: number): Promise<string[]>
  /** Grows a device of `device` to this number of bytes, without a call of the driver. */
  grow?(path: string, sizeBytes: number): Promise<void>
  /** Takes a device of `device` away, offered or not. */
  lose?(path: string): Promise<void>
  /** Runs commands on the host where device paths mean something; this one when absent. */
  run?: Runner
  /** Where initiators of this host reach a portal of the export; the portal itself when absent. */
  reach?(portal: string): string
  abilities: {
    /** True when an initiator on this host can reach the exports. */
    network?: boolean
    resize?: boolean
    sessions?: boolean
    /** Takes `initiators`. */
    initiators?: boolean
    /** Takes `mutual`. */
    mutual?: boolean
  }
  /** How many exports at once; 50 when absent. */
  concurrency?: number
  /**
   * True when the driver has passed with devices of another kind: tests that do not depend on the device are skipped.
   */
  onlyDevices?: boolean
}

export interface ExportKit {
  contract: ExportContract
  driver(): ExportDriver
  /** A request for a new device, or for one that is there. */
  request(path?: string): Promise<ExportRequest>
  /** The export as libiscsi and qemu read it. */
  remote(exported: Exported, portal?: string): { filename: string; format: 'raw' }
  /** Bytes of devices. */
  behind: ByteProbe
  /** Bytes that came over the network. */
  near: ByteProbe
}
