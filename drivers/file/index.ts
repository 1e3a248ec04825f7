import type { DriverPlugin } from '@hearth/driver'
import { backupOptions, openFileBackup } from './backup.ts'
import { imageOptions, openFileImage } from './image.ts'
import { openFileVolume, volumeOptions } from './volume.ts'

export { prepareFolder } from './loop.ts'

const plugin: DriverPlugin = {
  contract: 1,
  kind: 'file',
  options: { volume: volumeOptions, image: imageOptions, backup: backupOptions },
  roles: { volume: openFileVolume, image: openFileImage, backup: openFileBackup },
}

export default plugin
