import type { DriverPlugin } from '@hearth/driver'
import { connectorOptions, openIscsiConnector } from './connector/connector.ts'
import { openIscsiExport } from './export.ts'
import { exportOptions } from './options.ts'

const plugin: DriverPlugin = {
  contract: 1,
  kind: 'iscsi',
  options: { export: exportOptions, connector: connectorOptions },
  roles: { export: openIscsiExport, connector: openIscsiConnector },
}

export default plugin
