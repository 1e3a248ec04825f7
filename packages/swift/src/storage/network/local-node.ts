import type { Device } from '../device/device.ts'
import type { WriteName, WriteOperations } from '../records/operations.ts'
import type { Node } from './node.ts'

/** A device of this process. */
export function localNode(key: string, device: Device): Node {
  return {
    key,
    local: true,
    write: (name, input) => device.write(name, input, fileOf(name, input)),
    read: (name, input) => device.read(name, input),
    stage: (hash, size) => device.stage(hash, size),
    body: (range) => device.body(range),
    reportDamage: async (hash) => device.damage.add(hash),
  }
}

/** The body file that a write makes part of the device. */
export function fileOf(name: WriteName, input: unknown): string | null {
  return name === 'putObject' ? (input as WriteOperations['putObject'][0]).object.file : null
}
