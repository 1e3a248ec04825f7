import { openDriver, openRunner, quietLog } from '@hearth/driver'
import { openProbe } from '@hearth/driver/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type IscsiLab, iscsi, startIscsiLab } from './iscsi-lab.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3

let lab: IscsiLab
beforeAll(async () => {
  lab = await startIscsiLab({ multipath: true })
})
afterAll(() => lab?.close())

test('with two portals a volume is one map that outlives a lost path, grows, and leaves nothing when detached', async () => {
  const deps = { run: openRunner({ log: quietLog, ssh: lab.vm.ssh }), remote: true, log: quietLog }
  const connector = await openDriver('connector', iscsi, { multipath: true, replacementTimeout: 5 }, deps)
  const bytes = openProbe(lab.run)
  const volume = await lab.offer(gib)
  const { path } = await connector.attach(volume.connection)
  expect(path).toMatch(/^\/dev\/mapper\//)
  expect(await connector.attach(volume.connection)).toEqual({ path, format: 'raw' })
  const device = { filename: path, format: 'raw' as const }
  const paths = (await lab.vm.run('iscsiadm -m session')).match(/10\.0\.2\.15:326[01]/g)
  expect(paths?.sort()).toEqual(['10.0.2.15:3260', '10.0.2.15:3261'])

  await bytes.write(device, 0, mib, 0xa1)
  const lost = `ls -d /sys/class/iscsi_session/session*/device/target*/*/block/sd* | head -n 1`
  await lab.vm.run(`echo offline > "$(${lost})/device/state"`)
  await bytes.write(device, mib, mib, 0xa2)
  expect(await bytes.has(device, 0, mib, 0xa1)).toBe(true)
  await lab.vm.run(`echo running > "$(${lost})/device/state"`)

  await volume.grow(2 * gib)
  expect(await connector.extend(volume.connection)).toBe(2 * gib)
  await bytes.write(device, 2 * gib - mib, mib, 0xa3)
  await connector.detach(volume.connection)
  await connector.detach(volume.connection)
  const left = 'iscsiadm -m session 2>/dev/null; ls /dev/mapper; ls /sys/block | grep sd; true'
  expect(await lab.vm.run(left)).toBe('control')
  const seen = [0, mib, 2 * gib - mib].map((offset, i) => ({
    address: volume.address,
    offset,
    length: mib,
    byte: 0xa1 + i,
  }))
  expect(await openProbe(lab.run).hasAll(seen)).toEqual([true, true, true])
})
