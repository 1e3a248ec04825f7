import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ExportDriver, type Exported, newChap } from '../src/index.ts'
import { mib, openProbe } from './bytes.ts'
import { describeAccess } from './export-access.ts'
import type { ExportContract, ExportKit } from './export-kit.ts'
import { describeExportTrouble } from './export-trouble.ts'
import { openListener } from './secrets.ts'

/** Registers the behaviour every export driver must show; bytes go through libiscsi in qemu-io. */
export function exportContract(contract: ExportContract): void {
  describe(`export contract: ${contract.name}`, () => {
    const listener = openListener()
    const passwords: string[] = []
    let driver: ExportDriver
    beforeAll(async () => {
      driver = listener.heed(await contract.open(listener.log))
      await driver.start()
      await driver.start()
    })
    afterAll(async () => {
      for (const name of await driver.list()) await driver.remove(name)
      await driver.close()
    })
    const kit: ExportKit = {
      contract,
      driver: () => driver,
      async request(path) {
        const chap = newChap()
        passwords.push(chap.password)
        const name = `volume-${randomUUID()}`
        return { name, path: path ?? (await contract.device()), sizeBytes: 64 * mib, blockSize: 512, chap }
      },
      remote: (exported, portal) => remote(contract, exported, portal),
      behind: openProbe(contract.run),
      near: openProbe(),
    }
    describeExports(kit)
    if (!contract.abilities.network) return
    describeBytes(kit)
    if (!contract.onlyDevices) describeAccess(kit)
    describeExportTrouble(kit)

    test('no password is in an error or in the log', () => {
      expect(passwords.filter((password) => listener.said().includes(password))).toEqual([])
    })
  })
}

function remote({ reach = (portal) => portal }: ExportContract, exported: Exported, portal = exported.portals[0]!) {
  const { iqn, lun, chap } = exported
  const credentials = chap ? `${chap.username}%${chap.password}@` : ''
  return { filename: `iscsi://${credentials}${reach(portal)}/${iqn}/${lun}`, format: 'raw' as const }
}

function describeExports({ contract, driver, request }: ExportKit): void {
  test('an export is listed until it is removed; both may be repeated', async () => {
    const wanted = await request()
    const exported = await driver().create(wanted)
    expect(exported).toMatchObject({ chap: wanted.chap })
    expect(exported.portals).not.toEqual([])
    for (const portal of exported.portals) expect(portal).toMatch(/:\d+$/)
    expect(exported.iqn.endsWith(`:${wanted.name}`)).toBe(true)
    expect(await driver().create(wanted)).toEqual(exported)
    expect(await driver().list()).toEqual([wanted.name])
    await driver().remove(wanted.name)
    await driver().remove(wanted.name)
    expect(await driver().list()).toEqual([])
  })

  const count = contract.concurrency ?? 50
  test(`${count} exports are made and removed at once, each with its own target`, async () => {
    const paths = contract.devices ? await contract.devices(count) : Array(count).fill(await contract.device())
    const requests = await Promise.all(paths.map((path: string) => request(path)))
    const exported = await Promise.all(requests.map((wanted) => driver().create(wanted)))
    expect(new Set(exported.map(({ iqn }) => iqn)).size).toBe(count)
    expect(await driver().list()).toEqual(requests.map(({ name }) => name).sort())
    await Promise.all(requests.map(({ name }) => driver().remove(name)))
    expect(await driver().list()).toEqual([])
  })

  test('one export asked for several times at once is one', async () => {
    const wanted = await request()
    const exported = await Promise.all([1, 2, 3].map(() => driver().create(wanted)))
    expect(exported).toEqual(exported.map(() => exported[0]))
    expect(await driver().list()).toEqual([wanted.name])
    await Promise.all([driver().remove(wanted.name), driver().remove(wanted.name)])
    expect(await driver().list()).toEqual([])
  })

  test('the driver has the abilities it declares', () => {
    expect(driver().resize !== undefined).toBe(contract.abilities.resize === true)
    expect(driver().sessions !== undefined).toBe(contract.abilities.sessions === true)
  })
}

function describeBytes({ contract, driver, request, remote, behind, near }: ExportKit): void {
  test('bytes written by an initiator are the device’s bytes, and the other way round', async () => {
    const wanted = await request()
    await behind.write({ filename: wanted.path, format: 'raw' }, 5 * mib, mib, 0x70)
    const exported = await driver().create(wanted)
    expect(await near.has(remote(exported), 5 * mib, mib, 0x70)).toBe(true)
    await near.write(remote(exported), mib, mib, 0x71)
    expect(await behind.has({ filename: wanted.path, format: 'raw' }, mib, mib, 0x71)).toBe(true)
    await near.write(remote(exported), 3 * 512, 512, 0x72)
    expect(await near.has(remote(exported), 3 * 512, 512, 0x72)).toBe(true)
    await driver().remove(wanted.name)
  })

  test('every portal leads to the same bytes', async () => {
    const wanted = await request()
    const exported = await driver().create(wanted)
    for (const [i, portal] of exported.portals.entries()) {
      await near.write(remote(exported, portal), i * mib, mib, 0x40 + i)
    }
    const seen = exported.portals.map((_, i) => near.has(remote(exported), i * mib, mib, 0x40 + i))
    expect(await Promise.all(seen)).toEqual(exported.portals.map(() => true))
    await driver().remove(wanted.name)
  })

  if (contract.abilities.resize && contract.grow)
    test('a device that has grown shows its new size to the next session', async () => {
      const wanted = await request()
      const exported = await driver().create(wanted)
      expect(await near.size(remote(exported))).toBe(64 * mib)
      await contract.grow!(wanted.path, 96 * mib)
      await driver().resize!(wanted.name, 96 * mib)
      await driver().resize!(wanted.name, 96 * mib)
      expect(await near.size(remote(exported))).toBe(96 * mib)
      await near.write(remote(exported), 95 * mib, mib, 0x74)
      expect(await behind.has({ filename: wanted.path, format: 'raw' }, 95 * mib, mib, 0x74)).toBe(true)
      await driver().remove(wanted.name)
      await driver().resize!(wanted.name, 128 * mib)
    })
}
