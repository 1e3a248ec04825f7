import { Readable } from 'node:stream'
import { DriverError, type ImageStore } from '@hearth/driver'
import type { SwiftClient } from './client.ts'
import { openCutter } from './cutter.ts'

interface ImageOptions {
  container: string
  /** Bytes of one segment object. */
  segmentSize: number
}

/** Layout of an image in the container, as its location URL states it. */
interface Layout {
  container: string
  imageId: string
  size: number
  /** 0: the image is the object of its own name. */
  segmentSize: number
}

const scheme = 'swift+hearth:'

/**
 * Images in the container of the service's project. An image up to one segment is one object named by its id; a bigger
 * one is objects `<id>-00001`, `<id>-00002` … and, written last, an empty object `<id>` that is their manifest
 * (X-Object-Manifest), so that any client reads it as one object. Nothing is buffered beyond the transfer itself.
 */
export function openImageStore(client: SwiftClient, { container, segmentSize }: ImageOptions): ImageStore {
  let prepared: Promise<void> | undefined
  const prepare = () => {
    prepared ??= client.call('PUT', { path: [container] }).catch((error) => {
      prepared = undefined
      throw error
    })
    return prepared
  }

  return {
    check: () => client.call('HEAD', { path: [] }),
    async add(imageId, data, sizeHint, signal) {
      checkId(imageId)
      await prepare()
      // Segments of an earlier, longer try would be taken for parts of this one.
      await purgeImage(client, container, imageId)
      try {
        const single = sizeHint !== null && sizeHint <= segmentSize
        const size = single
          ? await putSingle(client, [container, imageId], data, sizeHint, signal)
          : await putSegments(client, { container, imageId, size: 0, segmentSize }, data, signal)
        const layout = { container, imageId, size, segmentSize: single ? 0 : segmentSize }
        return { location: locationOf(layout), size }
      } catch (error) {
        await purgeImage(client, container, imageId).catch(() => undefined)
        throw error
      }
    },
    async get(location, range) {
      const layout = layoutOf(location)
      const offset = range?.offset ?? 0
      const parts = partsOf(layout, offset, Math.min(offset + (range?.length ?? layout.size), layout.size))
      const first = parts[0] ? await openPart(client, layout.container, parts[0]) : null
      if (parts.length === 1) return first!
      return Readable.from(readParts(client, layout.container, first, parts.slice(1)), { objectMode: false })
    },
    async delete(location) {
      const { container: from, imageId, size, segmentSize: each } = layoutOf(location)
      for (const name of namesOf(imageId, each === 0 ? 0 : Math.max(1, Math.ceil(size / each))))
        await client.remove(from, name)
    },
    async list() {
      const names = await client.names(container, '')
      return [...new Set(names.map((name) => name.slice(0, 36)))]
    },
    purge: (imageId) => purgeImage(client, container, imageId),
    close: () => client.close(),
  }
}

const segmentName = (imageId: string, number: number) => `${imageId}-${String(number).padStart(5, '0')}`

/** The objects of an image: the manifest first, so that a half-deleted image is none. */
const namesOf = (imageId: string, segments: number) => [
  imageId,
  ...Array.from({ length: segments }, (_, index) => segmentName(imageId, index + 1)),
]

async function putSingle(
  client: SwiftClient,
  path: string[],
  data: Readable,
  size: number,
  signal?: AbortSignal,
): Promise<number> {
  const headers = { 'content-length': String(size), 'content-type': 'application/octet-stream' }
  if (size === 0) {
    await client.call('PUT', { path, headers, body: await drained(data), signal })
    return 0
  }
  // Ends with its last byte: if the source broke after it, the store would keep an object that a purge has just missed.
  const piece = openCutter(data).next(size)
  const body = Readable.from(piece.bytes(), { objectMode: false })
  try {
    await client.call('PUT', { path, headers, body, signal })
  } finally {
    body.destroy()
  }
  return size
}

/** The end of a stream that should be empty: its source checks that it is. */
async function drained(data: Readable): Promise<Uint8Array> {
  for await (const _chunk of data);
  return new Uint8Array(0)
}

async function putSegments(client: SwiftClient, layout: Layout, data: Readable, signal?: AbortSignal): Promise<number> {
  const { container, imageId, segmentSize } = layout
  const cutter = openCutter(data)
  const headers = { 'content-type': 'application/octet-stream' }
  let size = 0
  for (let number = 1; number === 1 || !(await cutter.ended()); number += 1) {
    const piece = cutter.next(segmentSize)
    const body = Readable.from(piece.bytes(), { objectMode: false })
    try {
      await client.call('PUT', { path: [container, segmentName(imageId, number)], headers, body, signal })
    } finally {
      body.destroy()
    }
    size += piece.size()
  }
  const manifest = {
    ...headers,
    'x-object-manifest': `${encodeURIComponent(container)}/${imageId}-`,
    'content-length': '0',
  }
  await client.call('PUT', { path: [container, imageId], headers: manifest, signal })
  return size
}

/** Checks an image id: segments differ from images only by the length of their names, and an id must not be a path. */
function checkId(imageId: string): void {
  if (/^[\w-]{36}$/.test(imageId)) return
  throw new DriverError('invalid', `${JSON.stringify(imageId)} is no image id: an id is a UUID`)
}

async function purgeImage(client: SwiftClient, container: string, imageId: string): Promise<void> {
  checkId(imageId)
  const listed = await client.names(container, imageId)
  const last = Math.max(0, ...listed.map((name) => Number(name.slice(imageId.length + 1) || 0)))
  await client.remove(container, imageId)
  // A listing may miss recent segments; segments are numbered without gaps.
  for (let number = 1; ; number += 1) {
    const there = await client.remove(container, segmentName(imageId, number))
    if (!there && number > last) return
  }
}

/** A range of one object. */
interface Part {
  name: string
  offset: number
  length: number
}

/** The objects that hold bytes `[from, to)` of an image, in order. */
function partsOf({ imageId, size, segmentSize }: Layout, from: number, to: number): Part[] {
  if (size === 0) return []
  if (segmentSize === 0) return [{ name: imageId, offset: from, length: to - from }]
  const parts: Part[] = []
  for (let at = from; at < to; ) {
    const number = Math.floor(at / segmentSize) + 1
    const length = Math.min(to, number * segmentSize) - at
    parts.push({ name: segmentName(imageId, number), offset: at % segmentSize, length })
    at += length
  }
  return parts
}

async function openPart(client: SwiftClient, container: string, part: Part): Promise<Readable> {
  const headers = { range: `bytes=${part.offset}-${part.offset + part.length - 1}` }
  const response = await client.send('GET', { path: [container, part.name], headers })
  const length = Number(response.headers['content-length'] ?? part.length)
  if (length === part.length) return response.body
  await response.body.dump()
  throw new DriverError('failed', `object ${part.name} has ${length} bytes where ${part.length} were asked for`)
}

async function* readParts(
  client: SwiftClient,
  container: string,
  first: Readable | null,
  rest: readonly Part[],
): AsyncGenerator<Buffer> {
  if (first) yield* first
  for (const part of rest) yield* await openPart(client, container, part)
}

function locationOf({ container, imageId, size, segmentSize }: Layout): string {
  return `${scheme}//${encodeURIComponent(container)}/${imageId}?size=${size}&segment=${segmentSize}`
}

function layoutOf(location: string): Layout {
  const match = /^swift\+hearth:\/\/([^/]+)\/([^/?]+)\?size=(\d+)&segment=(\d+)$/.exec(location)
  if (!match) throw new DriverError('invalid', 'this is not a location of the object store driver')
  const [, container, imageId, size, segment] = match
  return {
    container: decodeURIComponent(container!),
    imageId: imageId!,
    size: Number(size),
    segmentSize: Number(segment),
  }
}
