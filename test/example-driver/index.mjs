import { link, mkdir, open, readdir, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { bytesOfGiB, DriverError, isDriverError } from '@hearth/driver'

const gib = 1024 ** 3
const kinds = { ENOSPC: 'no-space', EDQUOT: 'no-space', EFBIG: 'invalid' }

export default {
  contract: 1,
  kind: 'shelf',
  options: { volume: { type: 'object', required: ['folder'], properties: { folder: { type: 'string' } } } },
  roles: { volume: ({ folder }, { run }) => openShelf(folder, run) },
}

/** Volumes and snapshots as sparse files of one folder. */
async function openShelf(folder, run) {
  await mkdir(folder, { recursive: true })
  const names = async (prefix) => (await readdir(folder)).filter((name) => name.startsWith(prefix)).sort()
  // A process that was killed left these half-made.
  for (const name of await names('.')) await rm(join(folder, name), { force: true })

  const pathOf = (name) => {
    if (/^[a-z0-9][a-z0-9.-]{0,199}$/i.test(name)) return join(folder, name)
    throw new DriverError('invalid', `${JSON.stringify(name)} cannot name a volume: letters, digits, "-" and "." can`)
  }
  const sizeOf = (name) =>
    stat(pathOf(name)).then(
      ({ size }) => size,
      () => null,
    )
  const existing = async ({ name }) => {
    const size = await sizeOf(name)
    if (size === null) throw new DriverError('not-found', `There is no ${name}`)
    return { path: pathOf(name), size }
  }
  /** Puts a file, grown to `size`, or a folder on stable storage. */
  const settle = async (path, size = 0) => {
    const file = await open(path, size > 0 ? 'a' : 'r')
    try {
      if ((await file.stat()).size < size) await file.truncate(size)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  let serial = 0
  /** Whole or not at all: made under a hidden name, synced, then named. Who comes second finds it made. */
  const make = async (name, size, signal, fill) => {
    const stop = () => {
      if (signal?.aborted) throw new DriverError('aborted', `Making ${name} was aborted`)
    }
    const present = await sizeOf(name)
    if (present !== null && present < size) throw new DriverError('invalid', `${name} is there, of ${present} bytes`)
    if (present !== null) return
    stop()
    const partial = join(folder, `.${name}.${process.pid}.${serial++}`)
    try {
      await fill(partial)
      await settle(partial, size)
      stop()
      await link(partial, pathOf(name)).catch((error) => {
        if (error.code !== 'EEXIST') throw error
      })
      await settle(folder)
    } finally {
      await rm(partial, { force: true })
    }
  }
  const copy = async (target, size, source, signal) => {
    const from = await existing(source)
    if (from.size > size) throw new DriverError('invalid', `${target.name} cannot hold ${source.name}`)
    const argv = (partial) => ['cp', '--sparse=always', '--reflink=auto', '--', from.path, partial]
    await make(target.name, size, signal, (partial) => run(argv(partial), { signal, timeout: 24 * 3600_000 }))
  }
  const copyVolume = (volume, source, signal) => copy(volume, bytesOfGiB(volume.sizeGiB, volume.name), source, signal)

  return tellKinds({
    async stats() {
      const { blocks, bavail, bsize } = await statfs(folder)
      const [totalCapacityGb, freeCapacityGb] = [(blocks * bsize) / gib, (bavail * bsize) / gib]
      const room = { totalCapacityGb, freeCapacityGb, reservedPercentage: 0, maxOverSubscriptionRatio: 20 }
      const can = { thinProvisioning: true, thickProvisioning: false, onlineExtend: true }
      const pool = { poolName: 'shelf', ...room, ...can, multiattach: true, qosSupport: false }
      return { vendorName: 'Shelf', driverVersion: '1.0', storageProtocol: 'iSCSI', pools: [pool] }
    },
    create: ({ name, sizeGiB }, signal) => make(name, bytesOfGiB(sizeGiB, name), signal, async () => {}),
    delete: ({ name }) => rm(pathOf(name), { force: true }),
    async extend(volume, sizeGiB) {
      await settle((await existing(volume)).path, bytesOfGiB(sizeGiB, volume.name))
    },
    async snapshot(snapshot, signal) {
      if ((await sizeOf(snapshot.name)) !== null) return
      await copy(snapshot, (await existing(snapshot.volume)).size, snapshot.volume, signal)
    },
    deleteSnapshot: ({ name }) => rm(pathOf(name), { force: true }),
    createFromSnapshot: copyVolume,
    clone: copyVolume,
    async connection(volume) {
      const { path, size } = await existing(volume)
      return { kind: 'device', path, sizeBytes: size, blockSize: 512 }
    },
    address: async (volume) => ({ filename: (await existing(volume)).path, format: 'raw' }),
    list: async () => ({ volumes: await names('volume-'), snapshots: await names('snapshot-') }),
  })
}

/** The same methods, whose failures are DriverErrors of the kinds that callers choose by. */
function tellKinds(methods) {
  const told = Object.entries(methods).map(([name, method]) => [
    name,
    async (...given) => {
      try {
        return await method(...given)
      } catch (error) {
        throw isDriverError(error) ? error : new DriverError(kinds[error.code] ?? 'failed', error.message, error)
      }
    },
  ])
  return Object.fromEntries(told)
}
