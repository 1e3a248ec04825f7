import { DriverError } from '@hearth/driver'
import { call, callRaw, cephError, codeOf, type Handle, library, loadLibrary } from './library.ts'

export { codeOf } from './library.ts'

interface ClusterOptions {
  /** Path of ceph.conf; the libraries' own search when absent. */
  conf?: string
  /** Without `client.`. */
  user: string
  clusterName?: string
  /** Bounds waiting for the monitors when connecting, in seconds. */
  connectTimeoutSeconds?: number
  /** Bounds waiting for an OSD or a monitor in each operation, in seconds. */
  operationTimeoutSeconds?: number
  /** Any other option of Ceph, as in ceph.conf; may hold a secret (`key`). */
  settings?: Record<string, string>
}

/** A connection to a Ceph cluster. Only `close` ends it: it reconnects to monitors and OSDs by itself. */
export interface Cluster {
  readonly handle: Handle
  readonly user: string
  /** Number of this client in lists of watchers. */
  readonly clientId: bigint
  /** Returns this client's address as blocklists name it. Known once connected; never waits. */
  address(): string
  fsid(): Promise<string>
  /** Sends a monitor command, such as `{ prefix: 'df' }`; returns its parsed JSON. */
  command<T>(command: Record<string, unknown>): Promise<T>
  /** Throws `not-found` for a pool that is not there. The caller closes it. */
  openPool(name: string, namespace?: string): Promise<Pool>
  /** To be called when nothing is in flight and every pool and image is closed. */
  close(): Promise<void>
}

/** A pool, or one namespace of it, opened for reading and writing. Objects are plain RADOS objects. */
export interface Pool {
  readonly handle: Handle
  readonly name: string
  readonly id: number
  readonly cluster: Cluster
  writeObject(name: string, data: Uint8Array): Promise<void>
  /** Reads from `offset` into `into`; returns the number of bytes read. Throws `not-found`. */
  readObject(name: string, into: Uint8Array, offset?: number): Promise<number>
  /** Throws `not-found`. */
  statObject(name: string): Promise<{ sizeBytes: number; modified: Date }>
  /** Removes an object; succeeds when it does not exist. */
  removeObject(name: string): Promise<void>
  listObjects(): Promise<string[]>
  /** Takes or, by the same cookie, prolongs a lock that ends by itself; returns true when it is held. */
  lockObject(name: string, lock: { name: string; cookie: string; seconds: number }): Promise<boolean>
  unlockObject(name: string, lock: { name: string; cookie: string }): Promise<void>
  close(): void
}

/**
 * Connects to a cluster. Throws DriverError `unavailable` when no monitor responds in time, `invalid` when it refuses
 * the user or the configuration cannot be read, `unsupported` where the libraries are missing.
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { koffi, native } = await loadLibrary()
  const { user, conf, clusterName = 'ceph', connectTimeoutSeconds = 10, operationTimeoutSeconds = 30 } = options
  const out: (Handle | null)[] = [null]
  await call('rados_create2', [out, clusterName, `client.${user}`, 0], `opening a client for ${user}`)
  const handle = out[0]!
  try {
    await readConfiguration(handle, conf)
    const limits = {
      client_mount_timeout: String(connectTimeoutSeconds),
      rados_mon_op_timeout: String(operationTimeoutSeconds),
      rados_osd_op_timeout: String(operationTimeoutSeconds),
    }
    // With its cache the library lets a flush succeed whose writes were lost to a time-out (seen in Ceph 16).
    const uncached = { rbd_cache: 'false' }
    for (const [name, value] of Object.entries({ ...limits, ...uncached, ...options.settings })) {
      await call('rados_conf_set', [handle, name, value], `setting ${name}`)
    }
    await connect(handle, user, conf)
  } catch (error) {
    await callRaw('rados_shutdown', [handle])
    throw error
  }
  const cluster: Cluster = {
    handle,
    user,
    clientId: BigInt(native.rados_get_instance_id!(handle)),
    address() {
      const out: (Handle | null)[] = [null]
      const returned = Number(native.rados_getaddrs!(handle, out))
      if (returned < 0 || !out[0]) throw cephError('address of this client', returned || -5)
      const text = koffi.decode.string(out[0])
      native.rados_buffer_free!(out[0])
      return text
    },
    async fsid() {
      const text = Buffer.alloc(64)
      await call('rados_cluster_fsid', [handle, text, text.length], 'reading the fsid')
      return text.toString('latin1', 0, text.indexOf(0))
    },
    command: (command) => monitorCommand(koffi, handle, command),
    openPool: (name, namespace) => openPool(cluster, name, namespace),
    async close() {
      await callRaw('rados_shutdown', [handle])
    },
  }
  return cluster
}

async function readConfiguration(handle: Handle, conf: string | undefined): Promise<void> {
  const returned = await callRaw('rados_conf_read_file', [handle, conf ?? null])
  if (returned >= 0) return
  const { message, cause } = cephError(`reading the configuration ${conf ?? 'in /etc/ceph'}`, returned)
  throw new DriverError('invalid', message, cause)
}

async function connect(handle: Handle, user: string, conf: string | undefined): Promise<void> {
  const about = `connecting as ${user} by ${conf ?? 'the default configuration'}`
  const returned = await callRaw('rados_connect', [handle], 'slow')
  if (returned >= 0) return
  const error = cephError(about, returned)
  // Without a keyring the library says ENOENT, which would read as if the thing asked for were missing.
  if (codeOf(error) === 'ENOENT') {
    throw new DriverError('invalid', `${error.message}: no monitor address or no keyring for ${user}`, error.cause)
  }
  throw error
}

async function monitorCommand<T>(
  koffi: ReturnType<typeof library>['koffi'],
  handle: Handle,
  command: Record<string, unknown>,
): Promise<T> {
  const { native } = library()
  const [output, outputLength, said, saidLength] = [[null], [0], [null], [0]] as [
    (Handle | null)[],
    number[],
    (Handle | null)[],
    number[],
  ]
  const text = [JSON.stringify({ format: 'json', ...command })]
  const args = [handle, text, 1, null, 0, output, outputLength, said, saidLength]
  const returned = await callRaw('rados_mon_command', args)
  const answer = output[0] ? koffi.decode.string(output[0], Number(outputLength[0])) : ''
  if (output[0]) native.rados_buffer_free!(output[0])
  if (said[0]) native.rados_buffer_free!(said[0])
  if (returned < 0) throw cephError(`command ${String(command.prefix)}`, returned)
  return (answer ? JSON.parse(answer) : null) as T
}

async function openPool(cluster: Cluster, name: string, namespace?: string): Promise<Pool> {
  const { native } = library()
  const out: (Handle | null)[] = [null]
  await call('rados_ioctx_create', [cluster.handle, name, out], `opening the pool ${name}`)
  const handle = out[0]!
  if (namespace) native.rados_ioctx_set_namespace!(handle, namespace)
  // With it an operation on a full pool fails at once; otherwise it waits for room.
  native.rados_set_pool_full_try!(handle)
  const about = (verb: string, object: string) => `${verb} object ${object} of pool ${name}`
  return {
    handle,
    name,
    id: Number(native.rados_ioctx_get_id!(handle)),
    cluster,
    async writeObject(object, data) {
      await call('rados_write_full', [handle, object, data, data.length], about('writing', object))
    },
    readObject: (object, into, offset = 0) =>
      call('rados_read', [handle, object, into, into.length, offset], about('reading', object)),
    async statObject(object) {
      const [size, modified] = [[0], [0]]
      await call('rados_stat', [handle, object, size, modified], about('looking for', object))
      return { sizeBytes: Number(size[0]), modified: new Date(Number(modified[0]) * 1000) }
    },
    async removeObject(object) {
      await call('rados_remove', [handle, object], about('removing', object)).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error
      })
    },
    listObjects: () => listObjects(handle, name),
    ...locksOf(handle, name),
    close: () => native.rados_ioctx_destroy!(handle),
  }
}

const mayRenew = 1

function locksOf(handle: Handle, pool: string): Pick<Pool, 'lockObject' | 'unlockObject'> {
  return {
    async lockObject(object, { name, cookie, seconds }) {
      const duration = Buffer.alloc(16)
      duration.writeBigInt64LE(BigInt(seconds))
      const returned = await callRaw('rados_lock_exclusive', [handle, object, name, cookie, '', duration, mayRenew])
      if (returned >= 0) return true
      const error = cephError(`locking object ${object} of pool ${pool}`, returned)
      if (codeOf(error) === 'EBUSY') return false
      throw error
    },
    async unlockObject(object, { name, cookie }) {
      await callRaw('rados_unlock', [handle, object, name, cookie])
    },
  }
}

async function listObjects(handle: Handle, pool: string): Promise<string[]> {
  const { koffi, native } = library()
  const context: (Handle | null)[] = [null]
  await call('rados_nobjects_list_open', [handle, context], `listing the pool ${pool}`)
  const names: string[] = []
  try {
    for (;;) {
      const entry: (Handle | null)[] = [null]
      const returned = await callRaw('rados_nobjects_list_next', [context[0], entry, [null], [null]])
      if (returned === -2) return names
      if (returned < 0) throw cephError(`listing the pool ${pool}`, returned)
      names.push(koffi.decode.string(entry[0]))
    }
  } finally {
    native.rados_nobjects_list_close!(context[0])
  }
}
