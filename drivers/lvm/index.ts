import type { DriverPlugin } from '@hearth/driver'
import { volumeOptions } from './options.ts'
import { openLvmVolume } from './volume.ts'

const plugin: DriverPlugin = {
  contract: 1,
  kind: 'lvm',
  options: { volume: volumeOptions },
  roles: { volume: openLvmVolume },
}

export default plugin
