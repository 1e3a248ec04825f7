import { DriverError } from '@hearth/driver'
import { errors } from '../../model/errors.ts'
import type { BackendObject } from '../../model/topics.ts'
import type { BackendDeps } from '../deps.ts'

const gib = 1024 ** 3

interface Wanted {
  kind: 'volume' | 'snapshot'
  name: string | null
  volumeName: string | null
}

/**
 * Returns the volumes or snapshots on the backend that match. Throws InvalidParameter (400) if the driver cannot list
 * them.
 */
export async function listObjects(wanted: Wanted, deps: BackendDeps): Promise<BackendObject[]> {
  const { volume: driver } = deps.backend
  const { kind, name, volumeName } = wanted
  const isWanted = (one: { name: string; volumeName?: string }): boolean =>
    (name === null || one.name === name) &&
    (volumeName === null || one.volumeName === undefined || one.volumeName === volumeName)
  const renamed = (kind === 'volume' ? driver.manage : driver.manageSnapshot) !== undefined
  if (driver.manageable) {
    const all = (await driver.manageable()).filter((one) => one.kind === kind && isWanted(one))
    return all.map((one) => ({ volumeName: null, unsafe: null, ...one, renamed }))
  }
  if (!driver.list) throw errors.InvalidParameter({ reason: 'This backend cannot manage existing objects.' })
  const all = await driver.list()
  const names = (kind === 'volume' ? all.volumes : all.snapshots).filter((one) => isWanted({ name: one }))
  const sizeOfKind = async (one: string) => (kind === 'volume' ? sizeOf(one, deps) : null)
  return Promise.all(
    names.map(async (one) => ({
      ...{ kind, name: one, volumeName: null, unsafe: null, renamed },
      sizeGiB: await sizeOfKind(one),
    })),
  )
}

async function sizeOf(name: string, deps: BackendDeps): Promise<number> {
  const ref = { id: name, name, sizeGiB: 1, providerLocation: null }
  const connection = await deps.backend.volume.connection(ref)
  if (connection.kind === 'device') return Math.ceil(connection.sizeBytes / gib)
  const address = await deps.backend.volume.address?.(ref)
  if (!address) throw new DriverError('unsupported', 'the size of a volume on this backend cannot be determined')
  return Math.ceil((await deps.qemu.virtualSize(address.filename, address.format)) / gib)
}
