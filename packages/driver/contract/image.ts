import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DriverLog, type ImageStore, isDriverError, type Runner } from '../src/index.ts'
import { hostRunner, mib } from './bytes.ts'
import { openCanary, shellTraps } from './hostile.ts'
import { openListener } from './secrets.ts'
import { patience } from './time.ts'

export interface ImageContract {
  name: string
  /** Opens an empty store with room for 100 MiB. The suite checks that this log receives no secret. */
  open(log: DriverLog): Promise<ImageStore>
  /** Opens a store with room for less than 8 MiB. */
  openSmall?(): Promise<ImageStore>
  /** Opens a store and takes its storage away. */
  openBroken?(log: DriverLog): Promise<ImageStore>
  abilities: { list?: boolean }
  /** Host whose shell hostile names could reach; this one when absent. */
  run?: Runner
  /** Size of the largest image, in MiB; 64 when absent. */
  bigMiB?: number
  /** Strings that may be in no error and no log line. */
  secrets?: string[]
}

/** Registers the behaviour every image store must show. */
export function imageContract(contract: ImageContract): void {
  describe(`image contract: ${contract.name}`, patience, () => {
    const listener = openListener()
    let store: ImageStore
    beforeAll(async () => {
      store = listener.heed(await contract.open(listener.log))
    }, patience.timeout)
    afterAll(async () => store?.close?.(), patience.timeout)
    describeImages(contract, () => store)
    describeRepeats(contract, () => store)
    describeFailures(contract, () => store)
    describeHostileNames(contract, () => store)

    if (contract.openBroken)
      test('when the storage is gone every method says so as a DriverError, none that an image is gone', async () => {
        const broken = listener.heed(await contract.openBroken!(listener.log))
        const id = randomUUID()
        const { location } = await store.add(id, streamOf(Buffer.from('x')), 1)
        const calls = {
          add: broken.add(randomUUID(), streamOf(Buffer.from('x')), 1),
          get: broken.get(location),
          delete: broken.delete(location),
          purge: broken.purge(id),
          ...(broken.list && { list: broken.list() }),
        }
        const ends = await Promise.all(Object.values(calls).map(kindOfEnd))
        expect(ends).toEqual(ends.map(() => expect.stringMatching(/^(unavailable|failed)$/)))
        await broken.close?.()
        await store.purge(id)
      })

    test('at the end nothing is left, and no secret is in an error or in the log', async () => {
      if (store.list) expect(await store.list()).toEqual([])
      const said = listener.said()
      expect(said).not.toBe('')
      expect((contract.secrets ?? []).filter((secret) => said.includes(secret))).toEqual([])
    })
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

function describeRepeats(contract: ImageContract, store: () => ImageStore): void {
  test('an image added again under its id is the later one, or is refused and stays the first', async () => {
    const [id, first, second] = [randomUUID(), randomBytes(mib), randomBytes(mib)]
    const { location } = await store().add(id, streamOf(first), mib)
    const again = await store()
      .add(id, streamOf(second), mib)
      .catch((error: unknown) => {
        if (isDriverError(error)) return null
        throw error
      })
    const kept = await buffer(await store().get(again?.location ?? location))
    expect(kept.equals(again ? second : first)).toBe(true)
    await store().purge(id)
    await store().purge(id)
    await expect(store().get(location)).rejects.toMatchObject({ kind: 'not-found' })
  })

  test('a hundred small images are added, read and deleted at once', async () => {
    const images = Array.from({ length: 100 }, (_, i) => ({ id: randomUUID(), bytes: randomBytes(1000 + i) }))
    const whole = await Promise.all(
      images.map(async ({ id, bytes }, i) => {
        const { location } = await store().add(id, streamOf(bytes), i % 2 ? bytes.length : null)
        const same = (await buffer(await store().get(location))).equals(bytes)
        await store().delete(location)
        await store().delete(location)
        return same
      }),
    )
    expect(whole).toEqual(images.map(() => true))
    if (contract.abilities.list) expect(await store().list!()).toEqual([])
  })

  const size = (contract.bigMiB ?? 64) * mib
  test(`an image of ${size / mib} MiB goes in and out as a stream`, async () => {
    const [id, hash, back] = [randomUUID(), createHash('sha256'), createHash('sha256')]
    const parts = function* (): Generator<Buffer> {
      for (let at = 0; at < size; at += mib) {
        const part = at % (3 * mib) === 0 ? Buffer.alloc(mib) : randomBytes(mib)
        hash.update(part)
        yield part
      }
    }
    const stored = await store().add(id, Readable.from(parts()), size)
    expect(stored.size).toBe(size)
    for await (const part of await store().get(stored.location)) back.update(part as Buffer)
    expect(back.digest('hex')).toBe(hash.digest('hex'))
    await store().delete(stored.location)
  })

  test('a reader that goes away in the middle disturbs nobody', async () => {
    const [id, bytes] = [randomUUID(), randomBytes(8 * mib)]
    const { location } = await store().add(id, streamOf(bytes), bytes.length)
    const left = await store().get(location)
    for await (const _ of left) break
    expect(left.destroyed).toBe(true)
    expect(hashOf(await buffer(await store().get(location)))).toBe(hashOf(bytes))
    await store().delete(location)
  })
}

function describeHostileNames(contract: ImageContract, store: () => ImageStore): void {
  test('ids and locations that a shell would run, or that lead elsewhere, are refused or harmless', async () => {
    const canary = openCanary()
    for (const id of [...shellTraps('x', canary), 'ü', '-rf', 'x'.repeat(300)]) {
      const added = await store()
        .add(id, streamOf(Buffer.from('x')), 1)
        .catch((error: unknown) => error)
      if (added instanceof Error) expect([id, added]).toEqual([id, expect.objectContaining({ kind: 'invalid' })])
      else await store().purge(id)
    }
    const { location } = await store().add(randomUUID(), streamOf(Buffer.from('x')), 1)
    const elsewhere = ['', 'x', 'file:///etc/passwd', 'http://127.0.0.1:1/x', `${location}/../../../../etc/passwd`]
    for (const wrong of [...elsewhere, ...shellTraps(location, canary)]) {
      const end = await kindOfEnd(store().get(wrong))
      expect([wrong, end]).toEqual([wrong, expect.stringMatching(/^(invalid|not-found)$/)])
      const gone = await kindOfEnd(store().delete(wrong))
      expect([wrong, gone]).toEqual([wrong, expect.stringMatching(/^(success|invalid|not-found)$/)])
    }
    expect(await canary.sang(contract.run ?? hostRunner)).toBe(false)
    expect((await buffer(await store().get(location))).toString()).toBe('x')
    await store().delete(location)
  })
}

function kindOfEnd(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'success',
    (error: { kind?: string }) => error.kind ?? String(error),
  )
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
    const late = store().add(id, streamOf(randomBytes(mib)), mib, AbortSignal.abort())
    await expect(late).rejects.toMatchObject({ kind: 'aborted' })
  })

  test('an upload that is aborted at any moment is whole when asked again', async () => {
    const [id, bytes] = [randomUUID(), randomBytes(8 * mib)]
    const began = performance.now()
    await store().add(id, streamOf(bytes), bytes.length)
    const usual = performance.now() - began
    await store().purge(id)
    for (let round = 0; round < 3; round += 1) {
      const aborter = new AbortController()
      const timer = setTimeout(() => aborter.abort(), Math.random() * usual)
      const end = await store()
        .add(id, streamOf(bytes), bytes.length, aborter.signal)
        .catch((error: unknown) => error)
      clearTimeout(timer)
      if (end instanceof Error) expect(end).toMatchObject({ kind: 'aborted' })
      await store().purge(id)
      const { location } = await store().add(id, streamOf(bytes), bytes.length)
      expect(hashOf(await buffer(await store().get(location)))).toBe(hashOf(bytes))
      await store().purge(id)
    }
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
