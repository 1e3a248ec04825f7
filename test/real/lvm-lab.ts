import {
  type DriverDeps,
  type DriverLog,
  openDriver,
  openRunner,
  quietLog,
  type Runner,
  type VolumeDriver,
} from '@hearth/driver'
import { type LabVm, startLabVm } from '../lab/vm.ts'

/** MiB that a device takes of the machine's disks of 8 and 4 GiB. */
type Sizes = { eight?: number[]; four?: number[] }

interface LvmLab {
  vm: LabVm
  run: Runner
  /** A driver that tells `log` of its commands; the machine's own when absent. */
  open(options: Record<string, unknown>, log?: DriverLog): Promise<VolumeDriver>
}

/**
 * A machine with volume groups of these devices. They are cut from the disks that its saved state has: others would
 * mean to boot it anew.
 */
export async function startLvmLab(groups: Record<string, Sizes>, log: DriverLog = quietLog): Promise<LvmLab> {
  const vm = await startLabVm()
  const next = { eight: 1, four: 1 }
  const disks = { eight: '/dev/vdb', four: '/dev/vdc' } as const
  const lines = Object.entries(groups).flatMap(([group, sizes]) => {
    const devices: string[] = []
    const commands = (['eight', 'four'] as const).flatMap((disk) =>
      (sizes[disk] ?? []).map((mebibytes) => {
        const name = `disk-${disk}-${next[disk]}`
        devices.push(`/dev/mapper/${name}`)
        const command = `dmsetup create ${name} --table "0 ${mebibytes * 2048} linear ${disks[disk]} ${next[disk] * 2048}"`
        next[disk] += mebibytes
        return command
      }),
    )
    return [...commands, `vgcreate -qq ${group} ${devices.join(' ')}`]
  })
  try {
    await vm.run(['set -e', ...lines].join('\n'))
  } catch (error) {
    await vm.close()
    throw error
  }
  const deps = (heard: DriverLog): DriverDeps => {
    return { run: openRunner({ log: heard, ssh: vm.ssh }), remote: true, log: heard }
  }
  return {
    vm,
    run: deps(log).run,
    open: (options, heard = log) => openDriver('volume', '@hearth/driver-lvm', options, deps(heard)),
  }
}
