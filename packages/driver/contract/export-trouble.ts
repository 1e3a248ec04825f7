import { expect, test } from 'vitest'
import type { ExportRequest } from '../src/index.ts'
import { hostRunner, mib } from './bytes.ts'
import type { ExportKit } from './export-kit.ts'
import { openCanary, shellTraps } from './hostile.ts'

/** Refusals, aborts, devices that go away, hostile words. */
export function describeExportTrouble(kit: ExportKit): void {
  describeDevices(kit)
  if (kit.contract.onlyDevices) return
  describeAborts(kit)
  describeHostile(kit)
}

function describeAborts({ driver, request, remote, near }: ExportKit): void {
  test('an aborted create leaves nothing or all of the export, and the next one succeeds', async () => {
    const wanted = await request()
    const aborted = driver().create(wanted, AbortSignal.abort())
    await expect(aborted).rejects.toMatchObject({ kind: 'aborted' })
    expect(await driver().list()).toEqual([])
    const began = performance.now()
    await driver().create(wanted)
    const whole = performance.now() - began
    await driver().remove(wanted.name)
    for (const share of [0.2, 0.5, 0.8]) {
      const creating = driver().create(wanted, AbortSignal.timeout(Math.ceil(whole * share)))
      const end = await creating.catch((error: unknown) => error)
      if (end instanceof Error) {
        expect(end).toMatchObject({ kind: 'aborted' })
        expect(await driver().list()).toEqual([])
      }
      const exported = await driver().create(wanted)
      expect(await near.size(remote(exported))).toBe(64 * mib)
      await driver().remove(wanted.name)
    }
  })
}

function describeDevices({ contract, driver, request }: ExportKit): void {
  test('a device that is not there is not found, and nothing is left', async () => {
    const wanted = await request('/no/such/device')
    await expect(driver().create(wanted)).rejects.toMatchObject({ kind: 'not-found' })
    expect(await driver().list()).toEqual([])
  })

  if (contract.lose)
    test('the export of a device that is gone can be removed, and another takes its place', async () => {
      const wanted = await request()
      await driver().create(wanted)
      await contract.lose!(wanted.path)
      await expect(driver().create(wanted)).rejects.toMatchObject({ kind: 'not-found' })
      expect((await driver().list()).filter((name) => name !== wanted.name)).toEqual([])
      await driver().remove(wanted.name)
      expect(await driver().list()).toEqual([])
      await driver().create({ ...wanted, path: await contract.device() })
      await driver().remove(wanted.name)
    })
}

function describeHostile({ contract, driver, request }: ExportKit): void {
  test('words that would lead elsewhere or run a command are invalid', async () => {
    const wanted = await request()
    const canary = openCanary()
    const traps = (word: string) => [...shellTraps(word, canary), `${word},x=y`, `${word}\t`, '']
    const requests: ExportRequest[] = [
      ...[...traps(wanted.name), '../x', `${wanted.name}/../x`, '.', '*'].map((name) => ({ ...wanted, name })),
      ...[`${wanted.path},x=y`, `${wanted.path}\n`, 'relative/path', ''].map((path) => ({ ...wanted, path })),
      ...traps('user').map((username) => ({ ...wanted, chap: { ...wanted.chap!, username } })),
      ...traps('passwordpassword').map((password) => ({ ...wanted, chap: { ...wanted.chap!, password } })),
      ...traps('iqn.1993-08.org.debian:x').map((one) => ({ ...wanted, initiators: [one] })),
    ]
    const wrong: unknown[] = []
    for (const hostile of requests) {
      const end = await driver()
        .create(hostile)
        .then(
          () => 'succeeded',
          (error: { kind?: string }) => error.kind ?? String(error),
        )
      // A password without spaces and commas may hold anything else.
      if (end === 'succeeded' && hostile.name === wanted.name) await driver().remove(wanted.name)
      else if (end !== 'invalid') wrong.push({ hostile, end })
    }
    expect(wrong).toEqual([])
    expect(await driver().list()).toEqual([])
    expect(await canary.sang(contract.run ?? hostRunner)).toBe(false)
  })

  test('a device whose name a shell would take for commands is offered as it is, or not found', async () => {
    const canary = openCanary()
    const traps = shellTraps('/tmp/device', canary).filter((path) => !path.includes('\n'))
    const ends = traps.map(async (trap) => driver().create(await request(trap)))
    await Promise.all(ends.map((end) => expect(end).rejects.toMatchObject({ kind: 'not-found' })))
    expect(await canary.sang(contract.run ?? hostRunner)).toBe(false)
  })
}
