import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Answer, type Client, login, until, waitForStatus, waitUntilGone } from '../client.ts'
import { type LabCeph, startCeph } from '../lab/ceph.ts'
import { freePort } from '../lab/daemon.ts'
import { type LabVm, startLabVm } from '../lab/vm.ts'
import { type Started, start } from '../start.ts'

// Volumes and snapshots as Cinder's own drivers name and lay them out, taken over by the suite.
const scratch = mkdtempSync(join(tmpdir(), 'hearth-foreign-'))
let ceph: LabCeph
let vm: LabVm
let suite: Started
let client: Client

beforeAll(async () => {
  const machine = startLabVm({ ports: [3260] })
  ceph = await startCeph()
  vm = await machine
  await vm.run('vgcreate -qq cinder-volumes /dev/vdb && lvcreate -qq -T -L 2G cinder-volumes/cinder-volumes-pool')
  const portals = [`127.0.0.1:${await freePort()}`]
  const backends = {
    ceph: { driver: '@hearth/driver-rbd', options: { conf: ceph.conf, user: 'cinder' } },
    lvm: {
      driver: '@hearth/driver-lvm',
      options: { volumeGroup: 'cinder-volumes', type: 'thin' },
      ssh: vm.ssh,
      export: { driver: '@hearth/driver-iscsi', options: { target: 'lio' } },
    },
  }
  suite = await start({ config: { volume: { backends, portals } } })
  client = await login(suite.urls, suite.admin)
})

afterAll(async () => {
  await suite?.close()
  await vm?.close()
  await ceph?.close()
  rmSync(scratch, { recursive: true, force: true })
})

const ask = (method: string, path: string, json?: unknown): Promise<Answer> =>
  client.must('volume', method, path, { version: '3.8', ...(json === undefined ? {} : { json }) })

/** The pool of a backend, once its storage is open. */
async function hostOf(backend: string): Promise<string> {
  const read = async (): Promise<string | undefined> => {
    const { pools } = (await ask('GET', '/scheduler-stats/get_pools')).body
    const names: string[] = pools.map((pool: { name: string }) => pool.name)
    return names.find((name) => name.includes(`@${backend}#`))
  }
  return (await until(read, (name) => name !== undefined, 120))!
}

async function takeVolume(backend: string, name: string): Promise<string> {
  const volume = { host: await hostOf(backend), ref: { 'source-name': name } }
  const { body } = await ask('POST', '/manageable_volumes', { volume })
  await waitForStatus(client, `/volumes/${body.volume.id}`, 'available', 150)
  return body.volume.id
}

async function takeSnapshot(volumeId: string, name: string): Promise<string> {
  const snapshot = { volume_id: volumeId, ref: { 'source-name': name } }
  const { body } = await ask('POST', '/manageable_snapshots', { snapshot })
  await waitForStatus(client, `/snapshots/${body.snapshot.id}`, 'available', 150)
  return body.snapshot.id
}

async function make(kind: 'volume' | 'snapshot', given: object): Promise<string> {
  const { body } = await ask('POST', `/${kind}s`, { [kind]: given })
  await waitForStatus(client, `/${kind}s/${body[kind].id}`, 'available', 150)
  return body[kind].id
}

async function remove(path: string): Promise<void> {
  await ask('DELETE', path)
  await waitUntilGone(client, 'volume', path, 150)
}

const rbd = (...words: string[]) => ceph.command(['rbd', '--id', 'cinder', '-p', 'volumes', ...words])
const addressOf = (id: string) => `rbd:volumes/volume-${id}:id=cinder:conf=${ceph.conf}`
const firstBytes = async (id: string) =>
  (await execa('qemu-io', ['-r', '-f', 'raw', '-c', 'read -v 0 64', addressOf(id)])).stdout
const images = async (): Promise<string[]> => JSON.parse(await rbd('ls', '--format', 'json'))

test("Cinder's RBD volume, its protected snapshot and a clone of it are taken over, used and deleted", async () => {
  const [volume, snapshot, clone, copy] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
  const text = join(scratch, 'text')
  writeFileSync(text, 'written by cinder'.padEnd(4096))
  await rbd('create', '--size', '1G', `volume-${volume}`)
  await execa('qemu-io', ['-f', 'raw', '-c', `write -s ${text} 0 4096`, addressOf(volume)])
  await rbd('snap', 'create', `volume-${volume}@snapshot-${snapshot}`)
  await rbd('snap', 'protect', `volume-${volume}@snapshot-${snapshot}`)
  await rbd('clone', `volume-${volume}@snapshot-${snapshot}`, `volumes/volume-${clone}`)
  await rbd('snap', 'create', `volume-${volume}@volume-${copy}.clone_snap`)
  await rbd('snap', 'protect', `volume-${volume}@volume-${copy}.clone_snap`)
  await rbd('clone', `volume-${volume}@volume-${copy}.clone_snap`, `volumes/volume-${copy}`)

  const parent = await takeVolume('ceph', `volume-${volume}`)
  const taken = await takeSnapshot(parent, `snapshot-${snapshot}`)
  const children = [await takeVolume('ceph', `volume-${clone}`), await takeVolume('ceph', `volume-${copy}`)]
  expect((await images()).sort()).toEqual([parent, ...children].map((id) => `volume-${id}`).sort())
  const hex = [...Buffer.from('written by')].map((byte) => byte.toString(16)).join(' ')
  for (const id of children) expect(await firstBytes(id)).toContain(hex)
  const own = await make('snapshot', { volume_id: parent })
  const fromTaken = await make('volume', { size: 1, snapshot_id: taken })
  await remove(`/snapshots/${own}`)
  await remove(`/snapshots/${taken}`)
  for (const id of [parent, ...children, fromTaken]) await remove(`/volumes/${id}`)
  expect(await images()).toEqual([])
})

const volumes = async (): Promise<string[]> =>
  (await vm.run('lvs --noheadings -o lv_name cinder-volumes')).split('\n').map((name) => name.trim())

test("Cinder's thin LVM volume and its snapshot are taken over, used and deleted", async () => {
  const [volume, snapshot] = [randomUUID(), randomUUID()]
  await vm.run(`set -e
    lvcreate -qq -T -V 1g -n volume-${volume} cinder-volumes/cinder-volumes-pool
    printf 'written by cinder' | dd of=/dev/cinder-volumes/volume-${volume} conv=notrunc,fsync status=none
    lvcreate -qq --name _snapshot-${snapshot} -k y --snapshot cinder-volumes/volume-${volume}
    printf 'changed afterward' | dd of=/dev/cinder-volumes/volume-${volume} conv=notrunc,fsync status=none`)
  const parent = await takeVolume('lvm', `volume-${volume}`)
  const taken = await takeSnapshot(parent, `snapshot-${snapshot}`)
  const child = await make('volume', { size: 1, snapshot_id: taken })
  const own = await make('snapshot', { volume_id: parent })
  const first = (id: string) =>
    vm.run(`lvchange -qq -ay -K cinder-volumes/volume-${id}; head -c 17 /dev/cinder-volumes/volume-${id}`)
  expect([await first(parent), await first(child)]).toEqual(['changed afterward', 'written by cinder'])
  await remove(`/snapshots/${own}`)
  await remove(`/snapshots/${taken}`)
  for (const id of [parent, child]) await remove(`/volumes/${id}`)
  expect(await volumes()).toEqual(['cinder-volumes-pool'])
})

test("objects of neither naming are listed and can be taken over as well; what is nobody's is left alone", async () => {
  await rbd('create', '--size', '1536M', 'golden image')
  const foreign = `volume-${randomUUID()}`
  await rbd('create', '--size', '1G', foreign)
  const listed = (await ask('GET', `/manageable_volumes?host=${encodeURIComponent(await hostOf('ceph'))}`)).body
  expect(listed['manageable-volumes']).toContainEqual({
    reference: { 'source-name': 'golden image' },
    size: 2,
    safe_to_manage: true,
  })
  const id = await takeVolume('ceph', 'golden image')
  expect((await images()).sort()).toEqual([`volume-${id}`, foreign].sort())
  await remove(`/volumes/${id}`)
  expect(await images()).toEqual([foreign])
})
