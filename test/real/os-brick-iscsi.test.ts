import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openProbe } from '@hearth/driver/contract'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type IscsiLab, type LabVolume, startIscsiLab } from './iscsi-lab.ts'

const mib = 1024 ** 2
const gib = 1024 ** 3

let lab: IscsiLab
beforeAll(async () => {
  lab = await startIscsiLab({ multipath: true })
  await lab.vm.run('cat > /root/os-brick-iscsi.py', {
    input: readFileSync(join(import.meta.dirname, 'os-brick-iscsi.py'), 'utf8'),
  })
  // As hosts with multipath are set up: every path belongs to a map from the moment it is seen.
  await lab.vm.run('cat > /etc/multipath.conf', { input: 'defaults {\n  find_multipaths no\n}\n' })
  await lab.vm.run('modprobe -a iscsi_tcp dm-multipath; iscsid; multipathd')
})
afterAll(() => lab?.close())

type Answer = { result?: unknown; error?: string; message?: string }

/** The deeds' answers, done one after another by Debian's os-brick. */
async function osBrick(deeds: object[]): Promise<Answer[]> {
  const input = deeds.map((deed) => `${JSON.stringify(deed)}\n`).join('')
  const told = await lab.vm.run('python3 /root/os-brick-iscsi.py 2>/root/os-brick.log', { input, timeoutMs: 880_000 })
  return told.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Answer] : []))
}

/** Connects, writes, waits for the volume to grow, extends, writes behind the old end, disconnects. */
function lifeOf(volume: LabVolume, multipath: boolean, byte: number): object[] {
  const { data } = volume.connection
  const deed = (verb: string, more: object = {}) => ({ do: verb, multipath, data, ...more })
  return [
    deed('connect'),
    deed('write', { offset: 0, length: mib, byte }),
    { do: 'pause', name: volume.request.name },
    deed('extend'),
    deed('write', { offset: gib, length: mib, byte: byte + 1 }),
    deed('disconnect'),
  ]
}

test('Debian’s os-brick attaches, writes, extends and detaches by our connection_info, on one path and on two', {
  timeout: 900_000,
}, async () => {
  const [single, multi] = [await lab.offer(gib), await lab.offer(gib)]
  const wrong = { ...single.connection.data, volume_id: 'wrong', auth_password: 'not-the-password' }
  const lives = [...lifeOf(single, false, 0x21), ...lifeOf(multi, true, 0x31)]
  const last = { do: 'connect', multipath: false, data: wrong }
  const answers = osBrick([{ do: 'properties', multipath: true }, ...lives, last])
  for (const volume of [single, multi]) {
    const pause = `/run/os-brick-${volume.request.name}`
    await lab.vm.run(`until [ -e ${pause} ]; do sleep 0.5; done`, { timeoutMs: 600_000 })
    await volume.grow(2 * gib)
    await lab.vm.run(`rm ${pause}`)
  }
  const [properties, ...rest] = await answers
  expect(properties).toMatchObject({ result: { initiator: 'iqn.1993-08.org.debian:01:lab', multipath: true } })
  const [refused] = rest.splice(-1)
  expect(rest.filter(({ error }) => error !== undefined)).toEqual([])
  expect(rest[3]).toEqual({ result: 2 * gib })
  expect(rest[9]).toEqual({ result: 2 * gib })
  expect(rest[6]).toMatchObject({ result: { type: 'block', path: expect.stringMatching(/^\/dev\/(dm-|mapper\/)/) } })
  expect(refused?.error).toBeDefined()
  const written = ({ address }: LabVolume, byte: number) => [
    { address, offset: 0, length: mib, byte },
    { address, offset: gib, length: mib, byte: byte + 1 },
  ]
  const seen = [...written(single, 0x21), ...written(multi, 0x31)]
  expect(await openProbe(lab.run).hasAll(seen)).toEqual(seen.map(() => true))
  expect(await lab.vm.run('iscsiadm -m session 2>/dev/null || true')).toBe('')
})
