import type { VolumeDriver } from '@hearth/driver'
import { type VolumeContract, volumeContract } from '@hearth/driver/contract'
import { afterAll } from 'vitest'
import { beside } from './beside.ts'
import { startLvmLab } from './lvm-lab.ts'

const { vm, run, open } = await startLvmLab({
  thin: { four: [1200] },
  thick: { eight: [8190], four: [2200] },
  small: { four: [200] },
  filled: { four: [200] },
  lost: { four: [200] },
})
afterAll(() => vm.close())

const abilities = {
  revert: true,
  list: true,
  snapshotAddress: true,
  manage: true,
  manageable: true,
  manageSnapshot: true,
}
/** Opens a driver on a group whose device then fails whatever it is asked. */
async function openLost(type: string): Promise<VolumeDriver> {
  const driver = await open({ volumeGroup: 'lost', type })
  await vm.run(`
    set -e
    device=$(pvs --noheadings -o pv_name -S vg_name=lost | tr -d ' ')
    dmsetup table "$device" > /run/lost-device
    dmsetup suspend --noflush "$device"
    awk '{ print $1, $2, "error" }' /run/lost-device | dmsetup load "$device"
    dmsetup resume "$device"
  `)
  return driver
}

const thin: VolumeContract = {
  name: 'lvm, thin',
  open: () => open({ volumeGroup: 'thin' }),
  async openFull() {
    await vm.run(`
      lvcreate -qq -y -T -L 64m -V 64m -n filler filled/filled-pool &&
        lvcreate -qq -y -l 100%FREE -n rest filled &&
        dd if=/dev/zero of=/dev/filled/filler bs=4M count=16 oflag=direct status=none
    `)
    return open({ volumeGroup: 'filled', type: 'thin' })
  },
  openBroken: () => openLost('thin'),
  foreign: async (name) => void (await vm.run(`lvcreate -qq -y -T -V 1g -n ${name} thin/thin-pool`)),
  abilities,
  run,
  maxSizeGiB: 16 * 1024,
  interruptions: 1,
}

const thick: VolumeContract = {
  name: 'lvm, thick',
  open: () => open({ volumeGroup: 'thick', type: 'thick', copies: 'whole' }),
  openFull: () => open({ volumeGroup: 'small', type: 'thick' }),
  foreign: async (name) => void (await vm.run(`lvcreate -qq -y -Wn -Zn -L 1g -n ${name} thick`)),
  abilities,
  run,
  // The machine's disks have no room for more whole volumes.
  concurrency: 6,
  copies: 2,
  interruptions: 1,
}

for (const contract of [thin, thick]) beside(contract.name, () => volumeContract(contract))
