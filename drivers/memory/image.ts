import { Readable } from 'node:stream'
import { type DriverDeps, DriverError, type ImageStore } from '@hearth/driver'
import { sharedState } from './shared-state.ts'

export const imageOptions = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', description: 'stores opened under one name see the same images' },
    totalBytes: { type: 'integer', minimum: 0, default: 1024 ** 3 },
  },
}

const stores = new Map<string, Map<string, Buffer>>()

/** Keeps image bytes in this process. */
export async function openMemoryImage(options: Record<string, unknown>, _deps: DriverDeps): Promise<ImageStore> {
  const { totalBytes } = options as { totalBytes: number }
  const images = sharedState(stores, options.name, () => new Map<string, Buffer>())
  const used = () => [...images.values()].reduce((sum, bytes) => sum + bytes.length, 0)
  const full = (imageId: string) => new DriverError('no-space', `No room for the image ${imageId}`)
  return {
    async add(imageId, data, sizeHint, signal) {
      if (sizeHint !== null && used() + sizeHint > totalBytes) throw full(imageId)
      const bytes = await collect(data, signal, (length) => {
        if (used() + length > totalBytes) throw full(imageId)
      })
      images.set(imageId, bytes)
      return { location: `memory:${imageId}`, size: bytes.length }
    },
    async get(location, range) {
      const bytes = images.get(idOf(location))
      if (!bytes) throw new DriverError('not-found', `${location} has no bytes`)
      const part = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes
      return Readable.from(part.length === 0 ? [] : [part])
    },
    async delete(location) {
      images.delete(idOf(location))
    },
    async list() {
      return [...images.keys()].sort()
    },
    async purge(imageId) {
      images.delete(imageId)
    },
  }
}

function idOf(location: string): string {
  return location.slice('memory:'.length)
}

async function collect(data: Readable, signal: AbortSignal | undefined, check: (length: number) => void) {
  const parts: Buffer[] = []
  let length = 0
  const stop = () => data.destroy(new DriverError('aborted', 'The upload was aborted'))
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop)
  try {
    for await (const part of data) {
      length += part.length
      check(length)
      parts.push(Buffer.from(part))
    }
    return Buffer.concat(parts)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
