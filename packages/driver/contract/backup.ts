import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type BackupStore, type DriverLog, isDriverError } from '../src/index.ts'
import { hostRunner, mib } from './bytes.ts'
import { openCanary, shellTraps } from './hostile.ts'
import { openListener } from './secrets.ts'
import { patience } from './time.ts'

export interface BackupContract {
  name: string
  /** Opens an empty store with room for 100 MiB. The suite checks that this log receives no secret. */
  open(log: DriverLog): Promise<BackupStore>
  /** Opens a store with room for less than 8 MiB. */
  openSmall?(): Promise<BackupStore>
  /** Opens a store that has the container `volumebackups` and takes its storage away. */
  openBroken?(log: DriverLog): Promise<BackupStore>
  /** Size of the largest object, in MiB; 50 when absent, as a backup's objects are. */
  bigMiB?: number
  /** How many objects at once; 100 when absent. */
  concurrency?: number
  /** Strings that may be in no error and no log line. */
  secrets?: string[]
}

const container = 'volumebackups'

/** Registers the behaviour every backup store must show. */
export function backupContract(contract: BackupContract): void {
  describe(`backup contract: ${contract.name}`, patience, () => {
    const listener = openListener()
    let store: BackupStore
    beforeAll(async () => {
      store = listener.heed(await contract.open(listener.log))
      await store.prepare(container)
      await store.prepare(container)
    }, patience.timeout)
    afterAll(async () => store?.close?.(), patience.timeout)
    describeObjects(() => store)
    describeMany(contract.concurrency ?? 100, () => store)
    describeTrouble(contract, () => store)

    if (contract.openSmall)
      test('a full store says no-space and keeps nothing', async () => {
        const small = await contract.openSmall!()
        await small.prepare(container)
        await expect(small.put(container, 'big', randomBytes(16 * mib))).rejects.toMatchObject({ kind: 'no-space' })
        expect(await small.list(container, '')).toEqual([])
        await small.put(container, 'little', randomBytes(1000))
        await small.close?.()
      })

    if (contract.openBroken)
      test('when the storage is gone every method says so as a DriverError, none that an object is gone', async () => {
        const broken = listener.heed(await contract.openBroken!(listener.log))
        const calls = [
          broken.put(container, 'x', Buffer.from('x')),
          broken.get(container, 'x'),
          broken.list(container, ''),
          broken.delete(container, 'x'),
          broken.prepare('another'),
        ]
        const ends = await Promise.allSettled(calls)
        const kinds = ends.map((end) => (end.status === 'rejected' ? String(end.reason.kind) : 'success'))
        expect(kinds).toEqual(kinds.map(() => expect.stringMatching(/^(unavailable|failed)$/)))
        await broken.close?.()
      })

    test('at the end nothing is left, and no secret is in an error or in the log', async () => {
      expect(await store.list(container, '')).toEqual([])
      const said = listener.said()
      expect(said).not.toBe('')
      expect((contract.secrets ?? []).filter((secret) => said.includes(secret))).toEqual([])
    })
  })
}

function describeObjects(store: () => BackupStore): void {
  test('what was put comes back; putting again replaces it', async () => {
    const name = `volume_${randomUUID()}/20260101/az_nova_backup_${randomUUID()}-00001`
    const [first, second] = [randomBytes(2 * mib), randomBytes(mib)]
    await store().put(container, name, first)
    expect(Buffer.from(await store().get(container, name)).equals(first)).toBe(true)
    await store().put(container, name, second)
    expect(Buffer.from(await store().get(container, name)).equals(second)).toBe(true)
    await store().delete(container, name)
    await store().delete(container, name)
    await expect(store().get(container, name)).rejects.toMatchObject({ kind: 'not-found' })
  })

  test('an empty object is an object', async () => {
    await store().put(container, 'empty', new Uint8Array())
    expect((await store().get(container, 'empty')).length).toBe(0)
    expect(await store().list(container, 'emp')).toEqual(['empty'])
    await store().delete(container, 'empty')
  })

  test('names are listed by prefix, sorted, and are never taken for paths', async () => {
    const names = ['a/../b', 'a/.hidden', 'a/1', 'a/10', 'a/2', 'a/$(id);\'"', 'a/ü', '../a', '.b']
    await Promise.all(names.map((name) => store().put(container, name, Buffer.from(name))))
    expect(await store().list(container, 'a/')).toEqual(names.filter((name) => name.startsWith('a/')).sort())
    for (const name of names) expect(Buffer.from(await store().get(container, name)).toString()).toBe(name)
    await Promise.all(names.map((name) => store().delete(container, name)))
    expect(await store().list(container, '')).toEqual([])
  })

  test('containers are apart; an unknown one is not-found', async () => {
    await store().prepare('other')
    await store().put('other', 'x', Buffer.from('1'))
    expect(await store().list(container, 'x')).toEqual([])
    await expect(store().get(container, 'x')).rejects.toMatchObject({ kind: 'not-found' })
    await expect(store().get('never-made', 'x')).rejects.toMatchObject({ kind: 'not-found' })
    await store().delete('other', 'x')
  })
}

function describeMany(count: number, store: () => BackupStore): void {
  test(`${count} objects put, read and deleted at once do not mix`, async () => {
    const objects = Array.from({ length: count }, (_, i) => ({ name: `many/${i}`, data: randomBytes(65536) }))
    const [stay, go] = [objects.slice(0, count / 2), objects.slice(count / 2)]
    await Promise.all(go.map(({ name, data }) => store().put(container, name, data)))
    await Promise.all([
      ...stay.map(({ name, data }) => store().put(container, name, data)),
      ...go.map(({ name }) => store().delete(container, name)),
    ])
    const found = await Promise.all(stay.map(({ name }) => store().get(container, name)))
    expect(found.every((data, i) => Buffer.from(data).equals(stay[i]!.data))).toBe(true)
    expect(await store().list(container, 'many/')).toEqual(stay.map(({ name }) => name).sort())
    await Promise.all(stay.map(({ name }) => store().delete(container, name)))
  })
}

function describeTrouble(contract: BackupContract, store: () => BackupStore): void {
  const size = (contract.bigMiB ?? 50) * mib
  test(`an object of ${size / mib} MiB is kept whole`, async () => {
    const data = randomBytes(size)
    await store().put(container, 'big', data)
    expect(Buffer.from(await store().get(container, 'big')).equals(data)).toBe(true)
    await store().delete(container, 'big')
  })

  test('one object put many times at once is one of them, whole', async () => {
    const data = Array.from({ length: 10 }, (_, i) => Buffer.alloc(256 * 1024, i))
    await Promise.all(data.map((one) => store().put(container, 'contended', one)))
    const kept = Buffer.from(await store().get(container, 'contended'))
    expect(data.filter((one) => one.equals(kept))).toHaveLength(1)
    await Promise.all(data.map(() => store().delete(container, 'contended')))
    expect(await store().list(container, 'contended')).toEqual([])
  })

  test('an aborted put leaves nothing, an aborted get gives nothing', async () => {
    const put = store().put(container, 'aborted', randomBytes(mib), AbortSignal.abort())
    await expect(put).rejects.toMatchObject({ kind: 'aborted' })
    expect(await store().list(container, 'aborted')).toEqual([])
    await store().put(container, 'aborted', randomBytes(mib))
    const get = store().get(container, 'aborted', AbortSignal.abort())
    await expect(get).rejects.toMatchObject({ kind: 'aborted' })
    await store().delete(container, 'aborted')
  })

  test('a put that is aborted at any moment is whole when asked again', async () => {
    const data = randomBytes(8 * mib)
    const began = performance.now()
    await store().put(container, 'again', data)
    const usual = performance.now() - began
    for (let round = 0; round < 3; round += 1) {
      await store().delete(container, 'again')
      const aborter = new AbortController()
      const timer = setTimeout(() => aborter.abort(), Math.random() * usual)
      const end = await store()
        .put(container, 'again', data, aborter.signal)
        .catch((error: unknown) => error)
      clearTimeout(timer)
      if (end instanceof Error) expect(end).toMatchObject({ kind: 'aborted' })
      await store().put(container, 'again', data)
      expect(Buffer.from(await store().get(container, 'again')).equals(data)).toBe(true)
    }
    await store().delete(container, 'again')
  })

  test('containers that a shell would run, or that lead elsewhere, are refused or harmless', async () => {
    const canary = openCanary()
    for (const name of [...shellTraps('x', canary), '../x', '/etc', '.', '..', '-rf']) {
      const end = await Promise.resolve()
        .then(() => store().prepare(name))
        .then(() => store().put(name, 'x', Buffer.from('x')))
        .then(() => store().delete(name, 'x'))
        .catch((error: unknown) => error)
      if (end instanceof Error) expect([name, isDriverError(end)]).toEqual([name, true])
    }
    expect(await canary.sang(hostRunner)).toBe(false)
    expect(await store().list(container, '')).toEqual([])
  })
}
