import type { DriverPlugin } from '@hearth/driver'
import { backupOptions, openNfsBackup } from './backup.ts'
import { connectorOptions, openNfsConnector } from './connector.ts'
import { openNfsVolume } from './volume.ts'
import { volumeOptions } from './volume-options.ts'

const plugin: DriverPlugin = {
  contract: 1,
  kind: 'nfs',
  options: { backup: backupOptions, connector: connectorOptions, volume: volumeOptions },
  roles: { backup: openNfsBackup, connector: openNfsConnector, volume: openNfsVolume },
}

export default plugin
