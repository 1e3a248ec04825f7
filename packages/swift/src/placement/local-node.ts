import type { Engine } from '../storage/engine.ts'
import type { WriteName, WriteOperations } from '../storage/operations.ts'
import type { Node } from './node.ts'

/** A device of this process. */
export function localNode(key: string, engine: Engine): Node {
  return {
    key,
    local: true,
    write: (name, input) => engine.write(name, input, fileOf(name, input)),
    read: async (name, input) => engine.read(name, input),
    stage: (hash, size) => engine.stage(hash, size),
    body: (range) => engine.body(range),
  }
}

/** The body file that a write makes part of the device. */
export function fileOf(name: WriteName, input: unknown): string | null {
  return name === 'putObject' ? (input as WriteOperations['putObject'][0]).object.file : null
}
