import { access, open, readdir, readlink, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { type ConnectionInfo, type ConnectorDriver, type DriverDeps, DriverError } from '@hearth/driver'

export const connectorOptions = { type: 'object', additionalProperties: false, properties: {} }

/** "Attaches" files of this host by os-brick's `local` connections: the device is the file itself. */
export async function openMemoryConnector(
  _options: Record<string, unknown>,
  { log }: DriverDeps,
): Promise<ConnectorDriver> {
  return {
    properties: async () => ({ host: hostname(), platform: process.arch, os_type: process.platform }),
    async attach(connection, signal) {
      const path = pathOf(connection)
      if (signal?.aborted) throw new DriverError('aborted', `Attaching ${path} was aborted`)
      await reach(path)
      log.debug({ path }, 'attached')
      return { path, format: 'raw' }
    },
    async extend(connection) {
      const path = pathOf(connection)
      await reach(path)
      return (await stat(path)).size
    },
    async detach(connection) {
      const path = pathOf(connection)
      const gone = await access(path).then(
        () => false,
        () => true,
      )
      if (gone) return
      if (await isOpen(path)) throw new DriverError('busy', `A process has ${path} open`)
      const file = await open(path, 'r')
      await file.sync().finally(() => file.close())
    },
  }
}

function pathOf({ driver_volume_type: type, data }: ConnectionInfo): string {
  const path = data.device_path
  if (type !== 'local') throw new DriverError('invalid', `A connection of type ${type} is none of this driver's`)
  if (typeof path !== 'string' || !/^\/[\w./-]+$/.test(path) || path.split('/').includes('..')) {
    throw new DriverError('invalid', 'device_path must be an absolute path of letters, digits, "_", "-" and "."')
  }
  return path
}

async function reach(path: string): Promise<void> {
  await access(path).catch((error: unknown) => {
    throw new DriverError('unavailable', `${path} cannot be reached`, error)
  })
}

/** Whether a process of this host that we may look at has the file open. */
async function isOpen(path: string): Promise<boolean> {
  const processes = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  for (const id of processes) {
    const files = await readdir(`/proc/${id}/fd`).catch(() => [])
    for (const file of files) {
      if ((await readlink(`/proc/${id}/fd/${file}`).catch(() => '')) === path) return true
    }
  }
  return false
}
