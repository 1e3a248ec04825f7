import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Address, ConnectorDriver } from '../src/index.ts'
import { gib, mib, openProbe } from './bytes.ts'
import type { ConnectorContract, ConnectorKit, OfferedVolume } from './connector-kit.ts'
import { addressOf, behind, describeConnectorTrouble } from './connector-trouble.ts'
import { openListener } from './secrets.ts'
import { patience } from './time.ts'

/** Registers the behaviour every connector must show. */
export function connectorContract(contract: ConnectorContract): void {
  describe(`connector contract: ${contract.name}`, patience, () => {
    const listener = openListener()
    const drivers: ConnectorDriver[] = []
    const offered: OfferedVolume[] = []
    const reopen = async () => {
      drivers.push(listener.heed(await contract.open(listener.log)))
      return drivers.at(-1)!
    }
    beforeAll(async () => {
      await reopen()
    }, patience.timeout)
    afterAll(async () => {
      const letGo = async (volume: OfferedVolume): Promise<void> => {
        await drivers[0]?.detach(volume.connection)
        await volume.remove()
      }
      await Promise.all(offered.map(letGo))
      for (const driver of drivers) await driver.close?.()
    }, patience.timeout)
    const offer = async (sizeBytes = gib) => {
      const volume = await contract.volume(sizeBytes)
      offered.push(volume)
      return volume
    }
    const kit: ConnectorKit = { contract, driver: () => drivers[0]!, reopen, bytes: openProbe(contract.run), offer }
    describeAttach(kit)
    describeUse(kit)
    describeConnectorTrouble(kit)

    test('nothing stays attached, and no secret is in an error or in the log', async () => {
      if (contract.attached) expect(await contract.attached()).toEqual([])
      const passwords = offered.flatMap(({ connection }) =>
        Object.entries(connection.data).flatMap(([key, value]) =>
          /password|keyring/.test(key) && typeof value === 'string' ? [value] : [],
        ),
      )
      const said = listener.said()
      expect(said).not.toBe('')
      const told = [...passwords, ...(contract.secrets ?? [])].filter((secret) => said.includes(secret))
      expect(told).toEqual([])
    })
  })
}

function describeAttach({ contract, driver, reopen, bytes, offer }: ConnectorKit): void {
  test('this host says of itself the same each time', async () => {
    const properties = await driver().properties()
    expect(Object.keys(properties)).not.toEqual([])
    expect(await driver().properties()).toEqual(properties)
    expect(JSON.parse(JSON.stringify(properties))).toEqual(properties)
  })

  test('attaching twice gives the same device of the volume’s size; detaching twice succeeds', async () => {
    const volume = await offer()
    const device = await driver().attach(volume.connection)
    expect(await driver().attach(volume.connection)).toEqual(device)
    expect(await bytes.size(addressOf(device))).toBe(gib)
    await driver().detach(volume.connection)
    if (contract.abilities.mount) {
      expect((await contract.run(['test', '-e', device.path], { allow: [0, 1] })).exitCode).toBe(1)
    }
    await driver().detach(volume.connection)
  })

  test('detaching what was never attached succeeds', async () => {
    await driver().detach((await offer()).connection)
  })

  test('what one process attached, the next finds and detaches', async () => {
    const volume = await offer()
    const device = await driver().attach(volume.connection)
    const next = await reopen()
    expect(await next.attach(volume.connection)).toEqual(device)
    await next.detach(volume.connection)
    const again = await driver().attach(volume.connection)
    expect(await bytes.size(addressOf(again))).toBe(gib)
    await driver().detach(volume.connection)
  })
}

function describeUse({ contract, driver, bytes, offer }: ConnectorKit): void {
  const { run, abilities } = contract

  test('bytes written through the device are the volume’s bytes, and the other way round', async () => {
    const volume = await offer()
    await behind(volume).write(volume.address, 0, mib, 0x81)
    const device = addressOf(await driver().attach(volume.connection))
    expect(await bytes.hasAll([expectation(device, 0, 0x81), expectation(device, mib, 0)])).toEqual([true, true])
    await bytes.write(device, gib - mib, mib, 0x82)
    await driver().detach(volume.connection)
    const seen = [expectation(volume.address, 0, 0x81), expectation(volume.address, gib - mib, 0x82)]
    expect(await behind(volume).hasAll(seen)).toEqual([true, true])
    await behind(volume).write(volume.address, 0, mib, 0x83)
    const again = addressOf(await driver().attach(volume.connection))
    expect(await bytes.has(again, 0, mib, 0x83)).toBe(true)
    await driver().detach(volume.connection)
  })

  test('detaching puts on the storage what the host still held in memory', async () => {
    const volume = await offer()
    const device = await driver().attach(volume.connection)
    if (device.format === 'raw' && device.path.startsWith('/')) {
      const write = `head -c ${8 * mib} /dev/zero | tr '\\000' '\\204' | dd of="$1" bs=64k conv=notrunc status=none`
      await run(['sh', '-c', write, 'sh', device.path])
    } else await bytes.write(addressOf(device), 0, 8 * mib, 0x84)
    await driver().detach(volume.connection)
    expect(await behind(volume).has(volume.address, 0, 8 * mib, 0x84)).toBe(true)
  })

  if (abilities.extend)
    test('a volume that has grown is seen in its new size, its bytes kept', async () => {
      const volume = await offer()
      const device = addressOf(await driver().attach(volume.connection))
      await bytes.write(device, 0, mib, 0x85)
      await volume.grow(2 * gib)
      expect(await driver().extend(volume.connection)).toBe(2 * gib)
      expect(await driver().extend(volume.connection)).toBe(2 * gib)
      expect(await bytes.size(device)).toBe(2 * gib)
      await bytes.write(device, 2 * gib - mib, mib, 0x86)
      await driver().detach(volume.connection)
      const seen = [expectation(volume.address, 0, 0x85), expectation(volume.address, 2 * gib - mib, 0x86)]
      expect(await behind(volume).hasAll(seen)).toEqual([true, true])
    })

  if (abilities.mount)
    test('a mounted device is busy and stays as it is', async () => {
      const volume = await offer()
      const device = await driver().attach(volume.connection)
      const folder = `/tmp/connector-${process.pid}-${Date.now()}`
      const mount = 'mkfs.xfs -q -f "$1" && mkdir "$2" && mount -o nouuid "$1" "$2" && echo kept > "$2/file"'
      await run(['sh', '-c', mount, 'sh', device.path, folder], { timeout: 120_000 })
      try {
        await expect(driver().detach(volume.connection)).rejects.toMatchObject({ kind: 'busy' })
        expect(await driver().attach(volume.connection)).toEqual(device)
        const use = 'sync && echo 1 > /proc/sys/vm/drop_caches && echo more >> "$1/file" && sync && cat "$1/file"'
        expect((await run(['sh', '-c', use, 'sh', folder])).stdout).toBe('kept\nmore\n')
      } finally {
        await run(['umount', folder])
      }
      await driver().detach(volume.connection)
    })

  if (abilities.heldOpen)
    test('a device that a process holds open is busy and stays as it is', async () => {
      const volume = await offer()
      const device = await driver().attach(volume.connection)
      const hold = 'sleep 600 < "$1" > /dev/null 2>&1 & echo $!'
      const holder = (await run(['sh', '-c', hold, 'sh', device.path])).stdout.trim()
      try {
        await expect(driver().detach(volume.connection)).rejects.toMatchObject({ kind: 'busy' })
        expect(await bytes.has(addressOf(device), 0, mib, 0)).toBe(true)
      } finally {
        await run(['kill', '-9', holder])
      }
      await driver().detach(volume.connection)
    })
}

function expectation(address: Address, offset: number, byte: number) {
  return { address, offset, length: mib, byte }
}
