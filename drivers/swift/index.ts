import { type DriverDeps, DriverError, type DriverPlugin, type ServiceSession } from '@hearth/driver'
import { openBackupStore } from './backup.ts'
import { openSwiftClient } from './client.ts'
import { openImageStore } from './image.ts'

function sessionOf(deps: DriverDeps): ServiceSession {
  if (deps.session) return deps.session
  throw new DriverError('invalid', 'the object store driver needs a service session')
}

/** Images and backups in an OpenStack object store: ours or any Swift. */
const plugin: DriverPlugin = {
  contract: 1,
  kind: 'swift',
  options: {
    image: {
      properties: {
        container: { type: 'string', default: 'glance', minLength: 1, maxLength: 256, pattern: '^[^/]+$' },
        segmentSize: { type: 'integer', default: 64 * 1024 * 1024, minimum: 1, description: 'Bytes of one segment.' },
      },
    },
    backup: { properties: {} },
  },
  roles: {
    async image(options, deps) {
      const { container, segmentSize } = options as { container: string; segmentSize: number }
      return openImageStore(openSwiftClient(sessionOf(deps)), { container, segmentSize })
    },
    /** Objects go to the account of `deps.projectId`; the service user must be allowed to write there. */
    backup: async (_options, deps) => openBackupStore(openSwiftClient(sessionOf(deps), deps.projectId)),
  },
}

export default plugin
