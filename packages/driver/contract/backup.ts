import { randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BackupStore } from '../src/index.ts'

export interface BackupContract {
  name: string
  /** Opens an empty store with room for 100 MiB. */
  open(): Promise<BackupStore>
  /** Opens a store with room for less than 8 MiB. */
  openSmall?(): Promise<BackupStore>
}

const mib = 1024 ** 2
const container = 'volumebackups'

/** Registers the behaviour every backup store must show. */
export function backupContract(contract: BackupContract): void {
  describe(`backup contract: ${contract.name}`, () => {
    let store: BackupStore
    beforeAll(async () => {
      store = await contract.open()
      await store.prepare(container)
      await store.prepare(container)
    })
    afterAll(async () => store.close?.())
    describeObjects(() => store)

    if (contract.openSmall)
      test('a full store says no-space and keeps nothing', async () => {
        const small = await contract.openSmall!()
        await small.prepare(container)
        await expect(small.put(container, 'big', randomBytes(16 * mib))).rejects.toMatchObject({ kind: 'no-space' })
        expect(await small.list(container, '')).toEqual([])
        await small.put(container, 'little', randomBytes(1000))
        await small.close?.()
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

  test('fifty objects put at once are all there', async () => {
    const objects = Array.from({ length: 50 }, (_, i) => ({ name: `many/${i}`, data: randomBytes(65536) }))
    await Promise.all(objects.map(({ name, data }) => store().put(container, name, data)))
    const found = await Promise.all(objects.map(({ name }) => store().get(container, name)))
    expect(found.every((data, i) => Buffer.from(data).equals(objects[i]!.data))).toBe(true)
    await Promise.all(objects.map(({ name }) => store().delete(container, name)))
  })

  test('containers are apart; an unknown one is not-found', async () => {
    await store().prepare('other')
    await store().put('other', 'x', Buffer.from('1'))
    expect(await store().list(container, 'x')).toEqual([])
    await expect(store().get(container, 'x')).rejects.toMatchObject({ kind: 'not-found' })
    await expect(store().get('never-made', 'x')).rejects.toMatchObject({ kind: 'not-found' })
    await store().delete('other', 'x')
  })

  test('an aborted put leaves nothing', async () => {
    const put = store().put(container, 'aborted', randomBytes(mib), AbortSignal.abort())
    await expect(put).rejects.toMatchObject({ kind: 'aborted' })
    expect(await store().list(container, 'aborted')).toEqual([])
  })
}
