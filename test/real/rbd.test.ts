import { quietLog as log, openDriver, openRunner, type VolumeDriver } from '@hearth/driver'
import { crashContract, type VolumeContract, volumeContract } from '@hearth/driver/contract'
import { afterAll } from 'vitest'
import { type LabCeph, startCeph } from '../lab/ceph.ts'

const run = openRunner({ log })
const rbd = '@hearth/driver-rbd'
const ceph: LabCeph = await startCeph({ pools: ['volumes', 'crash', 'full', 'images'] })
afterAll(() => ceph.close())

const base = { conf: ceph.conf, user: 'admin' }
const open = (options: Record<string, unknown>, heard = log): Promise<VolumeDriver> =>
  openDriver('volume', rbd, { ...base, ...options }, { run, log: heard })

const contract: VolumeContract = {
  name: 'rbd',
  open: (heard) => open({}, heard),
  async openFull() {
    await ceph.command(['ceph', 'osd', 'pool', 'set-quota', 'full', 'max_bytes', '1'])
    return open({ pool: 'full' })
  },
  abilities: {
    revert: true,
    list: true,
    snapshotAddress: true,
    openVolume: true,
    openSnapshot: true,
    cloneImage: true,
    manageable: true,
    manage: true,
    manageSnapshot: true,
  },
  concurrency: 100,
}
volumeContract(contract)

crashContract({ name: 'rbd', package: rbd, options: async () => ({ ...base, pool: 'crash' }) })
