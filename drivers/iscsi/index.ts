import type { DriverPlugin } from '@hearth/driver'
import { exportOptions, openIscsiExport } from './export.ts'

const plugin: DriverPlugin = {
  contract: 1,
  options: { export: exportOptions },
  roles: { export: openIscsiExport },
}

export default plugin
