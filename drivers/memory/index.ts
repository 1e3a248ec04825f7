import type { DriverPlugin } from '@hearth/driver'
import { backupOptions, openMemoryBackup } from './backup.ts'
import { connectorOptions, openMemoryConnector } from './connector.ts'
import { exportOptions, openMemoryExport } from './export.ts'
import { imageOptions, openMemoryImage } from './image.ts'
import { openMemoryVolume, volumeOptions } from './volume.ts'

const plugin: DriverPlugin = {
  contract: 1,
  kind: 'memory',
  options: {
    volume: volumeOptions,
    export: exportOptions,
    connector: connectorOptions,
    image: imageOptions,
    backup: backupOptions,
  },
  roles: {
    volume: openMemoryVolume,
    export: openMemoryExport,
    connector: openMemoryConnector,
    image: openMemoryImage,
    backup: openMemoryBackup,
  },
}

export default plugin
