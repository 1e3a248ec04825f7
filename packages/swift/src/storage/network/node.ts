import type { Device } from '@hearth/ring'
import type { BodyRange, Stage } from '../bodies/bodies.ts'
import type { ReadName, ReadOperations, WriteName, WriteOperations } from '../records/operations.ts'

/** A device, wherever it is: in this process a call, on another host HTTP. All methods throw StorageError. */
export interface Node {
  /** `ip:port/device`, the same in all rings. */
  key: string
  /** True when a read costs microseconds. */
  local: boolean
  write<K extends WriteName>(name: K, input: WriteOperations[K][0]): Promise<WriteOperations[K][1]>
  read<K extends ReadName>(name: K, input: ReadOperations[K][0]): Promise<ReadOperations[K][1]>
  /** Begins a body; `size` is 0 when it is not known. */
  stage(hash: string, size: number): Promise<Stage>
  body(range: BodyRange): AsyncIterable<Buffer>
  /** Has the device's copy of an object looked at, and replaced if it is damaged. */
  reportDamage(hash: string): Promise<void>
}

/** Returns the name of a device in all rings: `ip:port/device`. */
export const nodeKey = (device: Pick<Device, 'ip' | 'port' | 'device'>): string =>
  `${device.ip}:${device.port}/${device.device}`
