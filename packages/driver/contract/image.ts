import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ImageStore } from '../src/index.ts'

export interface ImageContract {
  name: string
  /** Opens an empty store with room for 100 MiB. */
  open(): Promise<ImageStore>
  /** Opens a store with room for less than 8 MiB. */
  openSmall?(): Promise<ImageStore>
  abilities: { list?: boolean }
}

const mib = 1024 ** 2

/** Registers the behaviour every image store must show. */
export function imageContract(contract: ImageContract): void {
  describe(`image contract: ${contract.name}`, () => {
    let store: ImageStore
    beforeAll(async () => {
      store = await contract.open()
    })
    afterAll(async () => store.close?.())
    describeImages(contract, () => store)
    describeFailures(contract, () => store)
  })
}

function describeImages(contract: ImageContract, store: () => ImageStore): void {
  test('what was added comes back, whole and by range', async () => {
    const bytes = randomBytes(5 * mib + 13)
    const id = randomUUID()
    const { location, size } = await store().add(id, streamOf(bytes), bytes.length)
    expect(size).toBe(bytes.length)
    expect(hashOf(await buffer(await store().get(location)))).toBe(hashOf(bytes))
    const part = await buffer(await store().get(location, { offset: mib - 7, length: 2 * mib }))
    expect(part.equals(bytes.subarray(mib - 7, 3 * mib - 7))).toBe(true)
    const end = await buffer(await store().get(location, { offset: bytes.length - 1, length: 100 }))
    expect(end.equals(bytes.subarray(bytes.length - 1))).toBe(true)
    await store().delete(location)
    await store().delete(location)
    await expect(store().get(location)).rejects.toMatchObject({ kind: 'not-found' })
  })

  test.each([0, 1, 65536])('an image of %d bytes whose size was not declared is kept', async (length) => {
    const bytes = randomBytes(length)
    const { location, size } = await store().add(randomUUID(), streamOf(bytes), null)
    expect(size).toBe(length)
    expect((await buffer(await store().get(location))).equals(bytes)).toBe(true)
    await store().delete(location)
  })

  test('twenty images at once do not mix', async () => {
    const images = Array.from({ length: 20 }, () => ({ id: randomUUID(), bytes: randomBytes(mib) }))
    const stored = await Promise.all(images.map(({ id, bytes }) => store().add(id, streamOf(bytes), bytes.length)))
    for (const [i, { location }] of stored.entries()) {
      expect(hashOf(await buffer(await store().get(location)))).toBe(hashOf(images[i]!.bytes))
    }
    if (contract.abilities.list) expect(await store().list!()).toEqual(images.map(({ id }) => id).sort())
    await Promise.all(images.map(({ id }) => store().purge(id)))
    await Promise.all(images.map(({ id }) => store().purge(id)))
    if (contract.abilities.list) expect(await store().list!()).toEqual([])
  })
}

function describeFailures(contract: ImageContract, store: () => ImageStore): void {
  test('a stream that breaks leaves nothing', async () => {
    const id = randomUUID()
    const broken = Readable.from(breaking())
    await expect(store().add(id, broken, 10 * mib)).rejects.toThrow('the client went away')
    if (contract.abilities.list) expect(await store().list!()).not.toContain(id)
  })

  test('an aborted upload leaves nothing', async () => {
    const id = randomUUID()
    const aborter = new AbortController()
    const endless = Readable.from(forever())
    const adding = store().add(id, endless, null, aborter.signal)
    setTimeout(() => aborter.abort(), 50)
    await expect(adding).rejects.toMatchObject({ kind: 'aborted' })
    if (contract.abilities.list) expect(await store().list!()).not.toContain(id)
  })

  test.each(['../escape', '', '.', 'a/b'])('the image id %j cannot lead elsewhere', async (id) => {
    const added = await store()
      .add(id, streamOf(Buffer.from('x')), 1)
      .catch((error: unknown) => error)
    if (added instanceof Error) expect(added).toMatchObject({ kind: 'invalid' })
    else await store().purge(id)
  })

  if (contract.openSmall)
    test('a full store says no-space and keeps nothing', async () => {
      const small = await contract.openSmall!()
      const upload = (hint: number | null) => small.add(randomUUID(), streamOf(randomBytes(16 * mib)), hint)
      await expect(upload(16 * mib)).rejects.toMatchObject({ kind: 'no-space' })
      await expect(upload(null)).rejects.toMatchObject({ kind: 'no-space' })
      if (contract.abilities.list) expect(await small.list!()).toEqual([])
      const { location } = await small.add(randomUUID(), streamOf(randomBytes(mib)), mib)
      await small.delete(location)
      await small.close?.()
    })
}

function streamOf(bytes: Buffer): Readable {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += 65536) parts.push(bytes.subarray(at, at + 65536))
  return Readable.from(parts)
}

function* breaking(): Generator<Buffer> {
  yield randomBytes(mib)
  throw new Error('the client went away')
}

async function* forever(): AsyncGenerator<Buffer> {
  for (;;) {
    yield Buffer.alloc(65536)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
