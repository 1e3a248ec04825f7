import type { DriverPlugin } from '@hearth/driver'
import { connectorOptions, openIscsiConnector } from './connector.ts'
import { exportOptions, openIscsiExport } from './export.ts'

const plugin: DriverPlugin = {
  contract: 1,
  options: { export: exportOptions, connector: connectorOptions },
  roles: { export: openIscsiExport, connector: openIscsiConnector },
}

export default plugin
