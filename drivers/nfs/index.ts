import type { DriverPlugin } from '@hearth/driver'
import { connectorOptions, openNfsConnector } from './connector.ts'
import { openNfsVolume } from './volume.ts'
import { volumeOptions } from './volume-options.ts'

const plugin: DriverPlugin = {
  contract: 1,
  options: { connector: connectorOptions, volume: volumeOptions },
  roles: { connector: openNfsConnector, volume: openNfsVolume },
}

export default plugin
