import { randomUUID } from 'node:crypto'
import { type DriverLog, openDriver, openRunner, quietLog, type Runner, type VolumeDriver } from '@hearth/driver'
import { backupContract, connectorContract, crashContract, volumeContract } from '@hearth/driver/contract'
import { afterAll, beforeAll } from 'vitest'
import { beside } from './beside.ts'
import { type Filesystem, type NfsServer, startNfsServer } from './nfs-server.ts'

const nfs = '@hearth/driver-nfs'
const gib = 1024 ** 3

let server: NfsServer
beforeAll(async () => {
  server = await startNfsServer()
})
afterAll(() => server?.close())

const runnerOf = (log: DriverLog) => openRunner({ log, ssh: server.vm.ssh })
const run: Runner = (argv, options) => runnerOf(quietLog)(argv, options)
const depsOf = (log: DriverLog) => ({ run: runnerOf(log), remote: true, log })

const share = async (filesystem: Filesystem) => ({ share: await server.newShare(filesystem), options: 'vers=4.2' })

function openVolume(options: Record<string, unknown>, log = quietLog) {
  return openDriver(
    'volume',
    nfs,
    { mountBase: server.newMountBase(), commandSeconds: 120, maxOverSubscriptionRatio: 100, ...options },
    depsOf(log),
  )
}

const abilities = {
  revert: true,
  list: true,
  snapshotAddress: true,
  manage: true,
  manageable: true,
  manageSnapshot: true,
}

/** Fills the small filesystem to the last block. */
async function openFull() {
  const full = await share('small')
  await server.vm.run('dd if=/dev/zero of=/srv/small/filler bs=64k 2>/dev/null; sync')
  return openVolume({ shares: [full] })
}

/** A share that its server no longer exports. */
async function openBroken(log: DriverLog) {
  return openVolume({ shares: [{ share: '127.0.0.1:/srv/never', options: 'vers=4.2' }], commandSeconds: 5 }, log)
}

async function foreign(format: string, folder: string, name: string) {
  await server.vm.run(`qemu-img create -q -f ${format} ${folder}/${name} 1G`)
}

for (const format of ['raw', 'qcow2'] as const) {
  let first: { share: string }
  beside(`nfs ${format}`, () =>
    volumeContract({
      name: format === 'raw' ? 'nfs raw, two shares' : 'nfs qcow2, one share',
      async open(log) {
        first = await share('xfs')
        return openVolume({ shares: format === 'raw' ? [first, await share('ext4')] : [first], format }, log)
      },
      ...(format === 'raw' && { openFull, openBroken }),
      foreign: (name) => foreign(format, first.share.split(':')[1]!, name),
      abilities,
      run,
      // Copies are told apart from what is blank by their bytes; a machine without acceleration is slow to make qcow2 files.
      ...(format === 'raw' ? { copies: 16, interruptions: 1 } : { concurrency: 32, copies: 8, interruptions: 1 }),
    }),
  )
}

beside('nfs crashes', () =>
  crashContract({
    name: 'nfs raw',
    package: nfs,
    options: async () => ({ shares: [await share('xfs')], mountBase: server.newMountBase() }),
    ssh: async () => server.vm.ssh,
    kills: 3,
    timeoutMs: 600_000,
  }),
)

/** Below which the connector mounts; one for all that the suite opens, as on a real host. */
let attachedBelow: string
let offering: { driver: VolumeDriver; folder: string } | undefined

async function openOffering() {
  const given = await share('xfs')
  return { driver: await openVolume({ shares: [given] }), folder: given.share.split(':')[1]! }
}

beside('nfs connector and backup', () => {
  connectorContract({
    name: 'nfs',
    async open(log) {
      attachedBelow ??= server.newMountBase()
      return openDriver('connector', nfs, { mountBase: attachedBelow }, depsOf(log))
    },
    async volume(sizeBytes) {
      offering ??= await openOffering()
      const { driver, folder } = offering
      const id = randomUUID()
      const volume = { id, name: `volume-${id}`, sizeGiB: sizeBytes / gib }
      await driver.create(volume)
      const reached = await driver.connection(volume)
      if (reached.kind !== 'network') throw new Error('a volume on NFS is reached over the network')
      return {
        connection: { driver_volume_type: reached.driver_volume_type, data: reached.data },
        // Where the server keeps it, beside NFS.
        address: { filename: `${folder}/${volume.name}`, format: 'raw' },
        run,
        grow: (bytes) => driver.extend(volume, bytes / gib),
        remove: () => driver.delete(volume),
      }
    },
    run,
    abilities: { heldOpen: true, extend: true },
    unreachable: async () => ({
      driver_volume_type: 'nfs',
      data: { export: '127.0.0.1:/srv/never', name: 'volume-x', options: '-o vers=4.2', format: 'raw' },
    }),
    attached: async () =>
      (await server.vm.run(`grep " ${attachedBelow}/" /proc/mounts || true`)).split('\n').filter(Boolean),
    concurrency: 5,
  })

  backupContract({
    name: 'nfs',
    bigMiB: 8,
    concurrency: 20,
    open: async (log) =>
      openDriver('backup', nfs, { ...(await share('ext4')), mountBase: server.newMountBase() }, depsOf(log)),
  })
})
