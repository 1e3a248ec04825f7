import { createHash } from 'node:crypto'
import type { Pool } from '../ceph/librados.ts'
import { call, callRaw, cephError, codeOf, type Handle, library } from '../ceph/library.ts'

/**
 * Index of a container's names. The cluster sorts them in the maps of a few objects, so a search never reads a whole
 * pool.
 */
export interface NameIndex {
  set(name: string, state: NameState): Promise<void>
  remove(name: string): Promise<void>
  /** Returns the names that begin with `prefix`, in no order. */
  find(prefix: string): Promise<{ name: string; state: NameState }[]>
}

/** `begun`: the object is being written, or its writer died before the end. */
type NameState = 'begun' | 'whole'

/** Number of index objects: Ceph warns about maps with more than 200,000 entries. */
const shards = 16
const batch = 1000

/** Opens the index of a container. It creates nothing until the first `set`. */
export function openNameIndex(pool: Pool, container: string): NameIndex {
  const objectOf = (shard: number) => `index.${shard}.${container}`
  const shardOf = (name: string) => createHash('sha1').update(name).digest()[0]! % shards
  const change = async (name: string, prepare: (op: Handle) => void): Promise<void> => {
    const { native } = library()
    const op = native.rados_create_write_op!() as Handle
    try {
      prepare(op)
      const object = objectOf(shardOf(name))
      await call(
        'rados_write_op_operate',
        [op, pool.handle, object, null, 0],
        `changing ${object} of pool ${pool.name}`,
      )
    } finally {
      native.rados_release_write_op!(op)
    }
  }
  return {
    set: (name, state) =>
      change(name, (op) => library().native.rados_write_op_omap_set!(op, [name], [state], [state.length], 1)),
    async remove(name) {
      const work = change(name, (op) => library().native.rados_write_op_omap_rm_keys!(op, [name], 1))
      await work.catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error
      })
    },
    async find(prefix) {
      const all = Array.from({ length: shards }, (_, shard) => readShard(pool, objectOf(shard), prefix))
      return (await Promise.all(all)).flat()
    },
  }
}

async function readShard(pool: Pool, object: string, prefix: string): Promise<{ name: string; state: NameState }[]> {
  const entries: { name: string; state: NameState }[] = []
  for (let after = ''; ; after = entries.at(-1)!.name) {
    const part = await readEntries(pool, object, after, prefix)
    entries.push(...part)
    if (part.length < batch) return entries
  }
}

const notThere = -2

async function readEntries(pool: Pool, object: string, after: string, prefix: string) {
  const { native } = library()
  const op = native.rados_create_read_op!() as Handle
  const entries: { name: string; state: NameState }[] = []
  try {
    const iterator: (Handle | null)[] = [null]
    native.rados_read_op_omap_get_vals2!(op, after, prefix, batch, iterator, null, null)
    const returned = await callRaw('rados_read_op_operate', [op, pool.handle, object, 0])
    if (returned === notThere) return entries
    if (returned < 0) throw cephError(`reading ${object} of pool ${pool.name}`, returned)
    for (let next = nextEntry(iterator[0]!); next; next = nextEntry(iterator[0]!)) entries.push(next)
    native.rados_omap_get_end!(iterator[0])
    return entries
  } finally {
    native.rados_release_read_op!(op)
  }
}

/** Returns the next entry that was already read, null at the end; never waits. */
function nextEntry(iterator: Handle): { name: string; state: NameState } | null {
  const { koffi, native } = library()
  const [key, value] = [[null], [null]] as [(Handle | null)[], (Handle | null)[]]
  const [keyLength, valueLength] = [[0], [0]]
  native.rados_omap_get_next2!(iterator, key, value, keyLength, valueLength)
  if (!key[0]) return null
  const text = (pointer: Handle | null, length: number) => (pointer ? koffi.decode.string(pointer, length) : '')
  const state = text(value[0]!, Number(valueLength[0])) === 'whole' ? 'whole' : 'begun'
  return { name: text(key[0], Number(keyLength[0])), state }
}
