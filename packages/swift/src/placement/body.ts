import { crc32 } from 'node:zlib'
import type { Logger } from '@hearth/core'
import type { Content } from '../model/response.ts'
import { StorageError } from '../storage/errors.ts'
import type { Node } from '../storage/network/node.ts'
import type { StoredObject } from '../storage/records/operations.ts'
import type { Placement } from './cluster.ts'
import type { Found } from './read.ts'

/** The object's data; when a replica turns out to be missing or damaged, reading goes on from another one. */
export function contentOf(found: Found, place: Placement, log: Logger): Content {
  return {
    size: found.object.size,
    read: (start, end) => readAnywhere(found, place, log, start, end),
  }
}

async function* readAnywhere(
  found: Found,
  place: Placement,
  log: Logger,
  start: number,
  end: number,
): AsyncGenerator<Buffer> {
  let at = start
  let last: unknown = new StorageError('missing', 'no replica has the body')
  for (const node of candidates(found.node, place)) {
    try {
      const object = node === found.node ? found.object : await node.read('getObject', { hash: place.hash })
      if (!object || object.deleted || object.timestamp !== found.object.timestamp) continue
      for await (const chunk of bodyOf(node, object, at, end)) {
        yield chunk
        at += chunk.length
      }
      return
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      last = error
      if (error.kind !== 'offline') void node.reportDamage(place.hash).catch(() => undefined)
      log.warn({ object: found.object.name, node: node.key, kind: error.kind, err: error }, 'a replica cannot be read')
    }
  }
  throw last
}

function* candidates(first: Node, place: Placement): Generator<Node> {
  yield first
  for (const node of place.primaries) if (node !== first) yield node
  for (const node of place.handoffs()) if (node !== first) yield node
}

async function* bodyOf(node: Node, object: StoredObject, start: number, end: number): AsyncGenerator<Buffer> {
  if (start >= end) return
  if (object.file !== null) {
    yield* node.body({ file: object.file, size: object.size, sums: object.sums ?? new Uint8Array(), start, end })
    return
  }
  const body = Buffer.from(object.body ?? [])
  const sum = object.sums && new DataView(object.sums.buffer, object.sums.byteOffset).getUint32(0, true)
  if (body.length !== object.size || (sum !== null && crc32(body) !== sum))
    throw new StorageError('corrupt', 'a body in the index does not match its sum')
  yield body.subarray(start, end)
}
