import type { DriverPlugin } from '@hearth/driver'
import { backupOptions, openRbdBackup } from './backup/backup.ts'
import { connectorOptions, openRbdConnector } from './connector/connector.ts'
import { imageOptions, openRbdImage } from './image/image.ts'
import { volumeOptions } from './volume/options.ts'
import { openRbdVolume } from './volume/volume.ts'

const plugin: DriverPlugin = {
  contract: 1,
  kind: 'rbd',
  options: { volume: volumeOptions, connector: connectorOptions, image: imageOptions, backup: backupOptions },
  roles: { volume: openRbdVolume, connector: openRbdConnector, image: openRbdImage, backup: openRbdBackup },
}

export default plugin
