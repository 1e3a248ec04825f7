import { createHash, type Hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { refuse } from '../model/response.ts'
import { blockSize, type Stage } from '../storage/bodies/bodies.ts'
import type { Node } from '../storage/network/node.ts'
import type { ListingTarget, StoredObject, WriteReply } from '../storage/records/operations.ts'
import { type Cluster, type Placement, placeObject, quorumOf } from './cluster.ts'
import { listingOverride } from './listing-override.ts'
import { failureStatus, type Outcome, settle, valuesOf } from './quorum.ts'
import { writeListed } from './write-listed.ts'

/** Bodies up to this size live in the device's index. */
const inlineLimit = 16 * 1024

export interface ObjectName {
  account: string
  container: string
  object: string
}

interface Upload extends ObjectName {
  timestamp: string
  body: AsyncIterable<Buffer>
  /** Bytes; null when unknown before the end of the body. */
  length: number | null
  maxSize: number
  contentType: string
  metadata: Record<string, string>
  sysmeta: Record<string, string>
  deleteAt: number | null
  /** The md5 the client says the body has. */
  expectedEtag: string | null
}

interface Uploaded {
  status: 201 | 202
  etag: string
  size: number
  timestamp: string
}

/**
 * Stores an object on its devices and returns when a quorum of them has it on stable storage. Throws 404, 413, 422,
 * 499, 503 or 507. After a 503 or 507 a minority may keep the object, and replication then spreads it, as in Swift.
 */
export async function upload(cluster: Cluster, input: Upload): Promise<Uploaded> {
  const place = placeObject(cluster, input.account, input.container, input.object)
  const sums = openSums()
  const body = input.body[Symbol.asyncIterator]()
  const stages: Staged[] = []
  try {
    const head = await gather(body, inlineLimit, sums, input)
    if (!head.ended) stages.push(...(await openStages(place, input.length ?? 0)))
    if (!head.ended) await pump(body, head.chunks, stages, sums, input, place.primaries.length)
    checkBody(input, sums)
    const inline = head.ended ? new Uint8Array(Buffer.concat(head.chunks)) : null
    return await commit(cluster, place, input, stages, inline, sums)
  } catch (error) {
    await abandon(stages)
    throw error
  } finally {
    await body.return?.()
  }
}

interface Sums {
  md5: Hash
  size: number
  blocks: number[]
  update(chunk: Buffer): void
}

/** Counts, hashes and checksums what flows by. */
function openSums(): Sums {
  return {
    md5: createHash('md5'),
    size: 0,
    blocks: [],
    update(chunk) {
      this.md5.update(chunk)
      for (let at = 0; at < chunk.length; ) {
        const block = Math.floor(this.size / blockSize)
        const part = chunk.subarray(at, at + (block + 1) * blockSize - this.size)
        this.blocks[block] = crc32(part, this.blocks[block] ?? 0)
        this.size += part.length
        at += part.length
      }
    },
  }
}

function sumBytes(sums: Sums): Uint8Array {
  const bytes = new Uint8Array(Math.max(1, sums.blocks.length) * 4)
  const view = new DataView(bytes.buffer)
  sums.blocks.forEach((sum, index) => {
    view.setUint32(index * 4, sum, true)
  })
  return bytes
}

/** Reads until more than `enough` bytes are there or the body ends. */
async function gather(
  body: AsyncIterator<Buffer>,
  enough: number,
  sums: Sums,
  input: Upload,
): Promise<{ chunks: Buffer[]; ended: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  while (size <= enough) {
    const { done, value } = await body.next()
    if (done) return { chunks, ended: true }
    sums.update(value)
    if (sums.size > input.maxSize) throw refuse(413, 'Your request is too large.')
    size += value.length
    chunks.push(value)
  }
  return { chunks, ended: false }
}

interface Staged {
  node: Node
  stage: Stage
}

/** Begins the body on the primaries, and on handoffs in place of those that cannot. */
async function openStages(place: Placement, size: number): Promise<Staged[]> {
  const handoffs = place.handoffs()
  const begin = async (first: Node): Promise<Staged> => {
    for (let node = first; ; ) {
      try {
        return { node, stage: await node.stage(place.hash, size) }
      } catch (error) {
        const next = handoffs.next()
        if (next.done) throw error
        node = next.value
      }
    }
  }
  const outcomes = await settle(place.primaries.map(begin), { release: ({ stage }) => stage.abort() })
  const stages = valuesOf(outcomes)
  if (stages.length >= quorumOf(place.primaries.length)) return stages
  await abandon(stages)
  throw refuse(failureStatus(outcomes))
}

/**
 * Aborts bodies. Never throws. Waits at most half a second, so that a device that does not respond delays no client.
 */
async function abandon(stages: Staged[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise((resolve) => {
    timer = setTimeout(resolve, 500)
  })
  await Promise.race([enough, Promise.all(stages.splice(0).map(({ stage }) => stage.abort()))])
  clearTimeout(timer)
}

/** Writes the body to all stages, one piece while the next one is read. Drops stages that fail. */
async function pump(
  body: AsyncIterator<Buffer>,
  head: Buffer[],
  stages: Staged[],
  sums: Sums,
  input: Upload,
  replicas: number,
): Promise<void> {
  let writing = writeAll(stages, head, replicas)
  try {
    for (let ended = false; !ended; ) {
      const piece = await gather(body, blockSize - 1, sums, input)
      ended = piece.ended
      await writing
      writing = writeAll(stages, piece.chunks, replicas)
    }
  } finally {
    await writing
  }
  await eachStage(stages, replicas, (stage) => stage.finish())
}

const writeAll = (stages: Staged[], chunks: Buffer[], replicas: number): Promise<void> => {
  const work = eachStage(stages, replicas, (stage) => (chunks.length > 0 ? stage.write(chunks) : Promise.resolve()))
  // The failure is seen where the work is awaited, which may be a piece later.
  work.catch(() => undefined)
  return work
}

/** Milliseconds that a device may take for a piece of a body once a quorum has written it. */
const piecePatience = 5000

/** Runs `work` on all stages. Drops stages that fail or do not finish in time. Throws 503 or 507 below a quorum. */
async function eachStage(stages: Staged[], replicas: number, work: (stage: Stage) => Promise<void>): Promise<void> {
  const asked = [...stages]
  const outcomes = await settle(
    asked.map(({ stage }) => work(stage)),
    { replicas, patience: piecePatience },
  )
  const failed = asked.filter((_, index) => 'error' in outcomes[index]!)
  for (const staged of failed) stages.splice(stages.indexOf(staged), 1)
  await abandon(failed)
  if (stages.length < quorumOf(replicas)) throw refuse(failureStatus(outcomes))
}

function checkBody(input: Upload, sums: Sums): void {
  if (input.length !== null && sums.size < input.length) throw refuse(499)
  if (input.expectedEtag !== null && input.expectedEtag !== sums.md5.copy().digest('hex')) throw refuse(422)
}

async function commit(
  cluster: Cluster,
  place: Placement,
  input: Upload,
  stages: Staged[],
  body: Uint8Array | null,
  sums: Sums,
): Promise<Uploaded> {
  const etag = sums.md5.digest('hex')
  const object = { ...storedObject(input, place.hash, etag, sums), body }
  const write = {
    ...{ name: nameOf(input), place, override: listingOverride(input), handoffs: body !== null },
    nodes: body ? place.primaries : stages.map(({ node }) => node),
  }
  const { nodes, targets, outcomes } = await writeListed(cluster, write, (node, listing) => {
    const file = stages.find((staged) => staged.node === node)?.stage.file ?? null
    return node.write('putObject', { object: { ...object, file }, listing })
  })
  const quorum = quorumOf(place.primaries.length)
  const replies = valuesOf(outcomes)
  const count = (...statuses: WriteReply['status'][]) =>
    replies.filter(({ status }) => statuses.includes(status)).length
  const result = { etag, size: sums.size, timestamp: input.timestamp }
  if (count('done') >= quorum) return { status: 201, ...result }
  if (count('done', 'stale') >= quorum) return { status: 202, ...result }
  if (count('gone') < quorum) throw refuse(failureStatus(outcomes))
  await removeFromMinority(nodes, outcomes, object, targets)
  throw refuse(404)
}

/**
 * Removes the object from a minority that stored it in a deleted container. Not used for other failures: the removal's
 * listing entry would be newer than that of an older version that other devices may still have.
 */
async function removeFromMinority(
  writers: Node[],
  outcomes: Outcome<WriteReply>[],
  object: StoredObject,
  targets: ListingTarget[],
): Promise<void> {
  const { hash, timestamp } = object
  await Promise.all(
    writers.map(async (node, index) => {
      const outcome = outcomes[index]!
      if (!('value' in outcome) || outcome.value.status !== 'done' || outcome.value.replaced) return
      await node.write('undoPut', { hash, timestamp, listing: targets[index]! }).catch(() => undefined)
    }),
  )
}

const nameOf = ({ account, container, object }: ObjectName): ObjectName => ({ account, container, object })

function storedObject(input: Upload, hash: string, etag: string, sums: Sums): StoredObject {
  return {
    hash,
    name: `/${input.account}/${input.container}/${input.object}`,
    timestamp: input.timestamp,
    metaTimestamp: input.timestamp,
    deleted: false,
    size: sums.size,
    etag,
    contentType: input.contentType,
    deleteAt: input.deleteAt,
    metadata: input.metadata,
    sysmeta: input.sysmeta,
    file: null,
    sums: sumBytes(sums),
    body: null,
  }
}
