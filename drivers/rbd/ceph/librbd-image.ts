import type { Extent } from '@hearth/driver'
import type { Pool } from './librados.ts'
import { call, callRaw, cephError, codeOf, type Handle, library, readList } from './library.ts'
import { openImageData } from './librbd-data.ts'

interface SnapshotInfo {
  id: number
  name: string
  sizeBytes: number
}

interface LinkedImage {
  poolName: string
  imageId: string
  imageName: string
  /** True when the image is in the trash. */
  trash: boolean
}

/** An open image. Long methods wait on threads of a pool: keep few of them in flight. */
export interface RbdImage {
  readonly handle: Handle
  readonly pool: Pool
  sizeBytes(): Promise<number>
  /** Returns the image's id, which a rename does not change. */
  id(): Promise<string>
  features(): Promise<number>
  setFeatures(bits: number, enabled: boolean): Promise<void>
  createdAt(): Promise<Date>
  /** Grows the image; never shrinks it: an image of at least this size stays unchanged. */
  grow(sizeBytes: number): Promise<void>
  /** Copies the parent's bytes into the image and detaches it from the parent. */
  flatten(): Promise<void>
  parent(): Promise<(LinkedImage & { snapshotName: string }) | null>
  /** Returns the clones of all snapshots, or of `snapshot`; includes clones in the trash. */
  children(snapshot?: string): Promise<LinkedImage[]>
  /** Returns the user's snapshots, without removed ones that are kept for clones. */
  snapshots(): Promise<SnapshotInfo[]>
  /** Code `EEXIST` when the snapshot exists. */
  createSnapshot(name: string): Promise<void>
  /** Code `EBUSY` while it is protected. Clones of the second format keep the objects that they need. */
  removeSnapshot(name: string): Promise<void>
  renameSnapshot(from: string, to: string): Promise<void>
  protectSnapshot(name: string): Promise<void>
  /** Code `EBUSY` while it has clones of the first format; succeeds when it is not protected. */
  unprotectSnapshot(name: string): Promise<void>
  isProtected(name: string): Promise<boolean>
  /** Reverts the image to the snapshot's bytes and size. Not atomic. */
  rollback(snapshot: string): Promise<void>
  metadata(key: string): Promise<string | null>
  setMetadata(key: string, value: string | null): Promise<void>
  /** Returns the clients that have the image open for writing: includes this one, and dead ones for half a minute. */
  watchers(): Promise<{ address: string; clientId: bigint }[]>
  /** Returns the holders of the exclusive lock. */
  lockOwners(): Promise<string[]>
  /** Breaks a client's lock; the client is fenced off from the cluster. */
  breakLock(owner: string): Promise<void>
  read(offset: number, into: Uint8Array): Promise<void>
  write(offset: number, data: Uint8Array): Promise<void>
  zero(offset: number, length: number): Promise<void>
  flush(): Promise<void>
  /**
   * Extents that changed since a snapshot, or that hold bytes at all when `from` is null, ascending; `exists` is false
   * for ranges that read as zeros now. With `wholeObject` ranges are whole objects, which is quicker and coarser.
   */
  diff(from: string | null, options?: DiffOptions): Promise<ChangedExtent[]>
  /** Closes the image; to be called after its last request has ended. */
  close(): Promise<void>
}

interface ChangedExtent extends Extent {
  exists: boolean
}

interface DiffOptions {
  offset?: number
  length?: number
  wholeObject?: boolean
  /** True to leave out the bytes that come from the parent. */
  ownOnly?: boolean
  signal?: AbortSignal | undefined
}

/** Returns the methods of an open image; `name` appears in messages only. */
export function openImageHandle(pool: Pool, handle: Handle, name: string): RbdImage {
  const image = `image ${name}`
  const one = async (native: string, about: string) => {
    const out: (number | bigint)[] = [0]
    await call(native, [handle, out], about)
    return Number(out[0])
  }
  const { closeWith, ...requests } = openImageData(handle, image)
  const sizeBytes = () => one('rbd_get_size', `size of ${image}`)
  return {
    handle,
    pool,
    sizeBytes,
    features: () => one('rbd_get_features', `features of ${image}`),
    ...propertiesOf(handle, image),
    async grow(wanted) {
      if ((await sizeBytes()) >= wanted) return
      // Refuses to shrink what another process has grown further in the meantime.
      const args = [handle, wanted, false, library().noProgress, null]
      const returned = await callRaw('rbd_resize2', args)
      if (returned < 0 && (await sizeBytes()) < wanted) throw cephError(`growing ${image}`, returned)
    },
    ...familyOf(handle, image),
    ...snapshotsOf(handle, image),
    ...locksOf(handle, image),
    ...requests,
    async diff(from, options = {}) {
      return diffOf(handle, image, { from, length: options.length ?? (await sizeBytes()), ...options })
    },
    close: () => closeWith(() => call('rbd_close', [handle], `closing ${image}`)),
  }
}

function propertiesOf(
  handle: Handle,
  image: string,
): Pick<RbdImage, 'id' | 'setFeatures' | 'createdAt' | 'metadata' | 'setMetadata'> {
  return {
    async id() {
      const text = Buffer.alloc(256)
      await call('rbd_get_id', [handle, text, text.length], `id of ${image}`)
      return text.toString('latin1', 0, text.indexOf(0))
    },
    async setFeatures(bits, enabled) {
      await call('rbd_update_features', [handle, bits, enabled ? 1 : 0], `changing features of ${image}`)
    },
    async createdAt() {
      const time = Buffer.alloc(16)
      await call('rbd_get_create_timestamp', [handle, time], `age of ${image}`)
      return new Date(Number(time.readBigInt64LE(0)) * 1000)
    },
    async metadata(key) {
      const text = Buffer.alloc(4096)
      const returned = await callRaw('rbd_metadata_get', [handle, key, text, [text.length]])
      if (returned === -2) return null
      if (returned < 0) throw cephError(`metadata ${key} of ${image}`, returned)
      return text.toString('utf8', 0, text.indexOf(0))
    },
    async setMetadata(key, value) {
      const about = `setting metadata ${key} of ${image}`
      if (value !== null) return void (await call('rbd_metadata_set', [handle, key, value], about))
      await ignoring('ENOENT', call('rbd_metadata_remove', [handle, key], about))
    },
  }
}

function familyOf(handle: Handle, image: string): Pick<RbdImage, 'flatten' | 'parent' | 'children'> {
  const { koffi, native, types } = library()
  const children = () =>
    readList(
      {
        name: 'rbd_list_children3',
        args: [handle],
        type: types.linked,
        about: `children of ${image}`,
        cleanup: 'rbd_linked_image_spec_list_cleanup',
      },
      linkedImage,
    )
  return {
    async flatten() {
      // Without a parent there is nothing to copy.
      await ignoring('EINVAL', call('rbd_flatten', [handle], `flattening ${image}`, 'slow'))
    },
    async parent() {
      const [parent, snapshot] = [Buffer.alloc(koffi.sizeof(types.linked)), Buffer.alloc(koffi.sizeof(types.snapSpec))]
      const returned = await callRaw('rbd_get_parent', [handle, parent, snapshot])
      if (returned === -2) return null
      if (returned < 0) throw cephError(`parent of ${image}`, returned)
      const found = {
        ...linkedImage(koffi.decode(parent, types.linked)),
        snapshotName: String((koffi.decode(snapshot, types.snapSpec) as { name: unknown }).name),
      }
      native.rbd_linked_image_spec_cleanup!(parent)
      native.rbd_snap_spec_cleanup!(snapshot)
      return found
    },
    async children(snapshot) {
      if (snapshot === undefined) return children()
      await call('rbd_snap_set', [handle, snapshot], `snapshot ${snapshot} of ${image}`)
      try {
        return await children()
      } finally {
        await call('rbd_snap_set', [handle, null], `head of ${image}`)
      }
    },
  }
}

function linkedImage(row: Record<string, unknown>): LinkedImage {
  return {
    poolName: String(row.poolName),
    imageId: String(row.imageId),
    imageName: String(row.imageName),
    trash: row.trash === true,
  }
}

const userNamespace = 0

function snapshotsOf(
  handle: Handle,
  image: string,
): Pick<
  RbdImage,
  `${'create' | 'remove' | 'rename' | 'protect' | 'unprotect'}Snapshot` | 'snapshots' | 'isProtected' | 'rollback'
> {
  const { types } = library()
  const act = (native: string, verb: string, lane?: 'slow') => async (name: string) => {
    await call(native, [handle, name], `${verb} snapshot ${name} of ${image}`, lane)
  }
  return {
    async snapshots() {
      const all = await readList(
        {
          name: 'rbd_snap_list',
          args: [handle],
          type: types.snapshot,
          about: `snapshots of ${image}`,
          cleanup: 'rbd_snap_list_end',
          counted: true,
        },
        (row) => ({ id: Number(row.id), name: String(row.name), sizeBytes: Number(row.size) }),
      )
      const named: SnapshotInfo[] = []
      for (const snapshot of all) {
        const type = [-1]
        const about = `kind of snapshot ${snapshot.name} of ${image}`
        await ignoring('ENOENT', call('rbd_snap_get_namespace_type', [handle, snapshot.id, type], about))
        if (type[0] === userNamespace) named.push(snapshot)
      }
      return named
    },
    createSnapshot: act('rbd_snap_create', 'creating'),
    removeSnapshot: act('rbd_snap_remove', 'removing', 'slow'),
    async renameSnapshot(from, to) {
      await call('rbd_snap_rename', [handle, from, to], `renaming snapshot ${from} of ${image}`)
    },
    protectSnapshot: act('rbd_snap_protect', 'protecting'),
    async unprotectSnapshot(name) {
      await ignoring('EINVAL', act('rbd_snap_unprotect', 'unprotecting')(name))
    },
    async isProtected(name) {
      const out = [0]
      await call('rbd_snap_is_protected', [handle, name, out], `snapshot ${name} of ${image}`)
      return out[0] !== 0
    },
    rollback: act('rbd_snap_rollback', 'rolling back to', 'slow'),
  }
}

const exclusive = 0

function locksOf(handle: Handle, image: string): Pick<RbdImage, 'watchers' | 'lockOwners' | 'breakLock'> {
  const { types } = library()
  return {
    watchers: () =>
      readList(
        {
          name: 'rbd_watchers_list',
          args: [handle],
          type: types.watcher,
          about: `watchers of ${image}`,
          cleanup: 'rbd_watchers_list_cleanup',
        },
        (row) => ({ address: String(row.address), clientId: BigInt(row.id as number) }),
      ),
    async lockOwners() {
      const listing = readList(
        {
          name: 'rbd_lock_get_owners',
          args: [handle, [0]],
          type: types.owner,
          about: `lock of ${image}`,
          cleanup: 'rbd_lock_get_owners_cleanup',
        },
        (row) => String(row.id),
      )
      return listing.catch((error: unknown) => {
        // No client holds it, or the image does not have the feature.
        if (['ENOENT', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP'].includes(codeOf(error) ?? '')) return []
        throw error
      })
    },
    async breakLock(owner) {
      await ignoring('ENOENT', call('rbd_lock_break', [handle, exclusive, owner], `breaking the lock of ${image}`))
    },
  }
}

async function diffOf(
  handle: Handle,
  image: string,
  options: DiffOptions & { from: string | null; length: number },
): Promise<ChangedExtent[]> {
  const { from, offset = 0, length, wholeObject = false, ownOnly = false, signal } = options
  const extents: ChangedExtent[] = []
  const take = (start: number | bigint, size: number | bigint, exists: number) => {
    const last = extents.at(-1)
    const next = { offset: Number(start), length: Number(size), exists: exists !== 0 }
    if (last && last.exists === next.exists && last.offset + last.length === next.offset) last.length += next.length
    else extents.push(next)
    return signal?.aborted ? -125 : 0
  }
  const args = [handle, from, offset, length, ownOnly ? 0 : 1, wholeObject ? 1 : 0, take, null]
  await call('rbd_diff_iterate2', args, `extents of ${image}`, 'slow')
  return extents
}

async function ignoring(code: string, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (codeOf(error) !== code) throw error
  })
}
