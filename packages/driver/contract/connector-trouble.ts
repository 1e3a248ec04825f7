import { expect, test } from 'vitest'
import type { Address } from '../src/index.ts'
import { type ByteProbe, gib, mib, openProbe } from './bytes.ts'
import type { ConnectorKit, OfferedVolume } from './connector-kit.ts'
import { openCanary, shellTraps } from './hostile.ts'

/** The bytes behind an offered volume, past the connector. */
export const behind = ({ run }: OfferedVolume): ByteProbe => openProbe(run)

/** Returns the address of an attached device. */
export function addressOf({ path, format }: { path: string; format: 'raw' | 'qcow2' }): Address {
  return { filename: path, format }
}

/** Many at once, refusals, aborts, hostile data. */
export function describeConnectorTrouble(kit: ConnectorKit): void {
  describeMany(kit)
  describeFailures(kit)
  describeHostile(kit)
}

function describeMany({ contract, driver, bytes, offer }: ConnectorKit): void {
  const count = contract.concurrency ?? 10
  test(`${count} volumes are attached and detached at once, each with its own device`, async () => {
    const volumes = await Promise.all(Array.from({ length: count }, () => offer()))
    const devices = await Promise.all(volumes.map(({ connection }) => driver().attach(connection)))
    expect(new Set(devices.map(({ path }) => path)).size).toBe(count)
    for (const [i, device] of devices.entries()) await bytes.write(addressOf(device), 0, mib, i + 1)
    await Promise.all(volumes.map(({ connection }) => driver().detach(connection)))
    const seen = []
    for (const [i, volume] of volumes.entries()) seen.push(await behind(volume).has(volume.address, 0, mib, i + 1))
    expect(seen).toEqual(volumes.map(() => true))
  })

  test('one volume attached several times at once is one device', async () => {
    const { connection } = await offer()
    const devices = await Promise.all([1, 2, 3].map(() => driver().attach(connection)))
    expect(devices).toEqual(devices.map(() => devices[0]))
    expect(await bytes.size(addressOf(devices[0]!))).toBe(gib)
    await Promise.all([driver().detach(connection), driver().detach(connection)])
    if (contract.attached) expect(await contract.attached()).toEqual([])
  })
}

function describeFailures({ contract, driver, bytes, offer }: ConnectorKit): void {
  const nothingLeft = async () => {
    if (contract.attached) expect(await contract.attached()).toEqual([])
  }

  if (contract.wrongSecret)
    test('wrong credentials are invalid and leave nothing', async () => {
      const connection = await contract.wrongSecret!()
      await expect(driver().attach(connection)).rejects.toMatchObject({ kind: 'invalid' })
      await nothingLeft()
      await driver().detach(connection)
    })

  if (contract.unreachable)
    test('storage that does not answer is unavailable and leaves nothing', async () => {
      const connection = await contract.unreachable!()
      await expect(driver().attach(connection)).rejects.toMatchObject({ kind: 'unavailable' })
      await nothingLeft()
      await driver().detach(connection)
    })

  test('an aborted attach leaves nothing, and the next one succeeds', async () => {
    const { connection } = await offer()
    await expect(driver().attach(connection, AbortSignal.abort())).rejects.toMatchObject({ kind: 'aborted' })
    await nothingLeft()
    const began = performance.now()
    await driver().attach(connection)
    const whole = performance.now() - began
    await driver().detach(connection)
    for (const share of [0.1, 0.4, 0.7]) {
      const attaching = driver().attach(connection, AbortSignal.timeout(Math.ceil(whole * share)))
      const end = await attaching.catch((error: unknown) => error)
      if (end instanceof Error) expect(end).toMatchObject({ kind: 'aborted' })
      const device = await driver().attach(connection)
      expect(await bytes.size(addressOf(device))).toBe(gib)
      await driver().detach(connection)
    }
    await nothingLeft()
  })

  test('a connection of a kind it does not know is invalid', async () => {
    const { connection } = await offer()
    const strange = { ...connection, driver_volume_type: 'carrier-pigeon' }
    await expect(driver().attach(strange)).rejects.toMatchObject({ kind: 'invalid' })
    await expect(driver().attach({ ...connection, data: {} })).rejects.toMatchObject({ kind: 'invalid' })
  })
}

/** The keys of os-brick's dictionaries that become part of a command, a path or an address. */
const pointing = [
  'target_iqn',
  'target_portal',
  'target_iqns',
  'target_portals',
  'export',
  'name',
  'hosts',
  'options',
  'device_path',
]

function describeHostile({ contract, driver, offer }: ConnectorKit): void {
  test('connection data that would lead elsewhere or run a command is invalid, attached and detached', async () => {
    const { connection } = await offer()
    const canary = openCanary()
    const keys = pointing.filter((key) => connection.data[key] !== undefined && connection.data[key] !== null)
    expect(keys).not.toEqual([])
    const wrong: unknown[] = []
    for (const key of keys) {
      const value = connection.data[key]
      const word = String(Array.isArray(value) ? value[0] : value)
      const paths = key === 'name' ? ['../../etc/passwd', '/etc/passwd', `${word}/../../x`] : ['', `-o${word}`]
      for (const hostile of [...shellTraps(word, canary), ...paths]) {
        const data = { ...connection.data, [key]: Array.isArray(value) ? [hostile, ...value.slice(1)] : hostile }
        for (const operation of ['attach', 'detach'] as const) {
          const end = await driver()
            [operation]({ ...connection, data })
            .then(
              () => 'succeeded',
              (error: { kind?: string }) => error.kind ?? String(error),
            )
          if (end !== 'invalid') wrong.push({ operation, key, hostile, end })
        }
      }
    }
    expect(wrong).toEqual([])
    expect(await canary.sang(contract.run)).toBe(false)
    if (contract.attached) expect(await contract.attached()).toEqual([])
  })
}
