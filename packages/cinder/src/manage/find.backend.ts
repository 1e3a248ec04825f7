import { DriverError } from '@hearth/driver'
import { errors } from '../errors.ts'
import type { FoundObject } from '../topics.ts'
import type { BackendDeps } from '../volumes/backend-deps.ts'

const gib = 1024 ** 3

/** What the backend holds, with the sizes of volumes. Throws InvalidParameter (400) when the driver cannot tell. */
export async function findObjects(
  input: { kind: 'volume' | 'snapshot'; name: string | null },
  deps: BackendDeps,
): Promise<FoundObject[]> {
  const { volume: driver } = deps.backend
  if (!driver.list) throw errors.InvalidParameter({ reason: 'This backend cannot manage existing objects.' })
  const all = await driver.list()
  const names = (input.kind === 'volume' ? all.volumes : all.snapshots).filter(
    (name) => input.name === null || name === input.name,
  )
  if (input.kind === 'snapshot') return names.map((name) => ({ name, kind: 'snapshot', sizeGiB: null }))
  return Promise.all(names.map(async (name) => ({ name, kind: 'volume', sizeGiB: await sizeOf(name, deps) })))
}

async function sizeOf(name: string, deps: BackendDeps): Promise<number> {
  const ref = { id: name, name, sizeGiB: 1, providerLocation: null }
  const reached = await deps.backend.volume.connection(ref)
  if (reached.kind === 'device') return Math.ceil(reached.sizeBytes / gib)
  const address = await deps.backend.volume.address?.(ref)
  if (!address) throw new DriverError('unsupported', 'the size of volumes on this backend cannot be told')
  return Math.ceil((await deps.qemu.virtualSize(address.filename, address.format)) / gib)
}
