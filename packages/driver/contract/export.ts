import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Chap, ExportDriver, Exported, ExportRequest } from '../src/index.ts'
import { hasBytes, hostRunner, writeBytes } from './bytes.ts'

export interface ExportContract {
  name: string
  open(): Promise<ExportDriver>
  /** Makes a device of 64 MiB reading as zeros and answers its path. */
  device(): Promise<string>
  abilities: {
    /** What is offered can be reached by an initiator from this host. */
    network?: boolean
    resize?: boolean
    sessions?: boolean
  }
  /** How many exports at once; 50 when absent. */
  concurrency?: number
}

const mib = 1024 ** 2

/** Registers the behaviour every export driver must show; bytes go through libiscsi in qemu-io. */
export function exportContract(contract: ExportContract): void {
  describe(`export contract: ${contract.name}`, () => {
    let driver: ExportDriver
    beforeAll(async () => {
      driver = await contract.open()
      await driver.start()
      await driver.start()
    })
    afterAll(async () => {
      for (const name of await driver.list()) await driver.remove(name)
      await driver.close()
    })
    describeExports(contract, () => driver)
    if (contract.abilities.network) describeNetwork(contract, () => driver)
  })
}

async function request(contract: ExportContract, chap: Chap | null = newChap()): Promise<ExportRequest> {
  const path = await contract.device()
  return { name: `volume-${randomUUID()}`, path, sizeBytes: 64 * mib, blockSize: 512, chap }
}

function newChap(): Chap {
  const random = () => randomUUID().replaceAll('-', '').slice(0, 16)
  return { username: random(), password: random() }
}

function describeExports(contract: ExportContract, driver: () => ExportDriver): void {
  test('an export is listed until it is removed; both may be repeated', async () => {
    const wanted = await request(contract)
    const exported = await driver().create(wanted)
    expect(exported).toMatchObject({ chap: wanted.chap, portals: [expect.stringMatching(/:\d+$/)] })
    expect(exported.iqn.endsWith(`:${wanted.name}`)).toBe(true)
    expect(await driver().create(wanted)).toEqual(exported)
    expect(await driver().list()).toEqual([wanted.name])
    await driver().remove(wanted.name)
    await driver().remove(wanted.name)
    expect(await driver().list()).toEqual([])
  })

  const count = contract.concurrency ?? 50
  test(`${count} exports are made and removed at once, each with its own target`, async () => {
    const path = await contract.device()
    const requests = await Promise.all(
      Array.from({ length: count }, () => request({ ...contract, device: async () => path })),
    )
    const exported = await Promise.all(requests.map((wanted) => driver().create(wanted)))
    expect(new Set(exported.map(({ iqn }) => iqn)).size).toBe(count)
    expect(await driver().list()).toEqual(requests.map(({ name }) => name).sort())
    await Promise.all(requests.map(({ name }) => driver().remove(name)))
    expect(await driver().list()).toEqual([])
  })

  test('the driver has the abilities it declares', () => {
    expect(driver().resize !== undefined).toBe(contract.abilities.resize === true)
    expect(driver().sessions !== undefined).toBe(contract.abilities.sessions === true)
  })
}

function describeNetwork(contract: ExportContract, driver: () => ExportDriver): void {
  test('bytes written by an initiator are the device’s bytes, and the other way round', async () => {
    const wanted = await request(contract)
    const exported = await driver().create(wanted)
    await writeBytes(remote(exported), mib, mib, 0x71)
    const local = { filename: wanted.path, format: 'raw' as const }
    expect(await hasBytes(local, mib, mib, 0x71)).toBe(true)
    await writeBytes(remote(exported), 3 * 512, 512, 0x72)
    expect(await hasBytes(remote(exported), 3 * 512, 512, 0x72)).toBe(true)
    await driver().remove(wanted.name)
  })

  test('a wrong password, a wrong name and no credentials are refused', async () => {
    const wanted = await request(contract)
    const exported = await driver().create(wanted)
    const { username, password } = wanted.chap!
    expect(await canLogIn(exported)).toBe(true)
    expect(await canLogIn({ ...exported, chap: { username, password: 'wrongwrongwrong' } })).toBe(false)
    expect(await canLogIn({ ...exported, chap: { username: 'nobody', password } })).toBe(false)
    expect(await canLogIn({ ...exported, chap: null })).toBe(false)
    await driver().remove(wanted.name)
    expect(await canLogIn(exported)).toBe(false)
  })

  test('one volume’s credentials do not open another', async () => {
    const [mine, yours] = [await request(contract), await request(contract)]
    const [exported, other] = [await driver().create(mine), await driver().create(yours)]
    expect(await canLogIn({ ...other, chap: exported.chap })).toBe(false)
    await driver().remove(mine.name)
    await driver().remove(yours.name)
  })

  test('creating again with other credentials or another device replaces the export', async () => {
    const wanted = await request(contract)
    const before = await driver().create(wanted)
    const after = await driver().create({ ...wanted, chap: newChap() })
    expect(await canLogIn(before)).toBe(false)
    expect(await canLogIn(after)).toBe(true)
    const moved = { ...wanted, path: await contract.device() }
    const replaced = await driver().create(moved)
    await writeBytes(remote(replaced), 0, mib, 0x73)
    expect(await hasBytes({ filename: moved.path, format: 'raw' }, 0, mib, 0x73)).toBe(true)
    expect(await driver().list()).toEqual([wanted.name])
    await driver().remove(wanted.name)
  })
}

/** The export as qemu's iSCSI client reads it. */
function remote({ portals, iqn, lun, chap }: Exported) {
  const credentials = chap ? `${chap.username}%${chap.password}@` : ''
  return { filename: `iscsi://${credentials}${portals[0]}/${iqn}/${lun}`, format: 'raw' as const }
}

async function canLogIn(exported: Exported): Promise<boolean> {
  const { exitCode } = await hostRunner(['iscsi-inq', remote(exported).filename], {
    allow: [0, 1, 2, 10, 255],
    timeout: 20_000,
  })
  return exitCode === 0
}
