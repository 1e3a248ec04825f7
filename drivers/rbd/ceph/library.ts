import { getSystemErrorName } from 'node:util'
import { DriverError, type DriverErrorKind, openGate } from '@hearth/driver'
import type * as Koffi from 'koffi'
import { radosSignatures, rbdSignatures, systemSignatures } from './declarations.ts'

/** An opaque pointer of the C libraries. */
export type Handle = bigint
type NativeFunction = ReturnType<Koffi.LibraryHandle['func']>

interface Library {
  koffi: typeof Koffi
  /** Every declared C function by its name. Nothing that may wait for the cluster is called directly: see `call`. */
  native: Record<string, NativeFunction>
  /**
   * Progress callback in C that does nothing and returns 0. A JavaScript callback would hold a thread of librbd until
   * the event loop runs, and the event loop may wait for that thread when many images are resized at once.
   */
  noProgress: Handle
  types: Record<'imageSpec' | 'snapshot' | 'linked' | 'snapSpec' | 'trash' | 'watcher' | 'owner', Koffi.TypeObject>
}

let opened: Library | undefined

/**
 * Opens koffi, librados and librbd on first use. Throws DriverError `unsupported` with what to install where one of
 * them is missing.
 */
export async function loadLibrary(): Promise<Library> {
  if (opened) return opened
  const koffi = await import('koffi').then(
    (module) => (module as unknown as { default?: typeof Koffi }).default ?? module,
    (cause: unknown) => {
      throw new DriverError('unsupported', 'Ceph needs the npm package koffi, which is not installed', cause)
    },
  )
  opened ??= openLibrary(koffi)
  return opened
}

function openLibrary(koffi: typeof Koffi): Library {
  const native: Record<string, NativeFunction> = {}
  const declare = (library: Koffi.LibraryHandle, signatures: string) => {
    for (const signature of signatures.trim().split('\n')) {
      native[/(\w+)\(/.exec(signature)![1]!] = library.func(signature)
    }
  }
  declare(open(koffi, 'librados.so.2', 'librados2'), radosSignatures)
  const rbd = open(koffi, 'librbd.so.1', 'librbd1')
  declare(rbd, rbdSignatures)
  const system = koffi.load('libc.so.6')
  declare(system, systemSignatures)
  const extent = koffi.proto('int', ['uint64_t', 'size_t', 'int', 'void *'])
  const text = 'const char *'
  native.rbd_diff_iterate2 = rbd.func('rbd_diff_iterate2', 'int', [
    ...['void *', text, 'uint64_t', 'uint64_t', 'uint8_t', 'uint8_t'],
    ...[koffi.pointer(extent), 'void *'],
  ])
  native.rbd_resize2 = rbd.func('rbd_resize2', 'int', ['void *', 'uint64_t', 'bool', 'void *', 'void *'])
  return { koffi, native, noProgress: system.symbol('sched_yield') as Handle, types: structures(koffi) }
}

function open(koffi: typeof Koffi, file: string, debianPackage: string): Koffi.LibraryHandle {
  try {
    return koffi.load(file)
  } catch (cause) {
    const why = (cause as Error).message.trim()
    throw new DriverError(
      'unsupported',
      `${file} cannot be loaded (${why}): install the package ${debianPackage}`,
      cause,
    )
  }
}

function structures(koffi: typeof Koffi): Library['types'] {
  return {
    imageSpec: koffi.struct({ id: 'str', name: 'str' }),
    snapshot: koffi.struct({ id: 'uint64_t', size: 'uint64_t', name: 'str' }),
    snapSpec: koffi.struct({ id: 'uint64_t', namespaceType: 'int', name: 'str' }),
    linked: koffi.struct({
      poolId: 'int64_t',
      poolName: 'str',
      poolNamespace: 'str',
      imageId: 'str',
      imageName: 'str',
      trash: 'bool',
    }),
    trash: koffi.struct({ id: 'str', name: 'str', source: 'int', deletedAt: 'int64_t', deferredUntil: 'int64_t' }),
    watcher: koffi.struct({ address: 'str', id: 'int64_t', cookie: 'uint64_t' }),
    owner: koffi.struct({ id: 'str' }),
  }
}

/** Errors of the libraries carry the system's name of the error number: `ENOENT`, `EEXIST` and so on. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof DriverError ? (error.cause as { code?: string } | undefined)?.code : undefined
}

const kinds: Record<string, DriverErrorKind> = {
  ENOENT: 'not-found',
  EBUSY: 'busy',
  ENOTEMPTY: 'busy',
  EROFS: 'busy',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  ETIMEDOUT: 'unavailable',
  ESHUTDOWN: 'unavailable',
  ENOTCONN: 'unavailable',
  ECONNREFUSED: 'unavailable',
  EACCES: 'invalid',
  EPERM: 'invalid',
  EINVAL: 'invalid',
}

/** Returns the error for a negative return value; `about` names the operation in the message. */
export function cephError(about: string, returned: number): DriverError {
  const code = getSystemErrorName(returned)
  const hint = code === 'EACCES' || code === 'EPERM' ? '; the Ceph user may not, or its key is wrong' : ''
  return new DriverError(kinds[code] ?? 'failed', `Ceph: ${about}: ${code}${hint}`, { code })
}

/**
 * Blocking calls run on the thread pool of the process, which files and name resolution share: some threads stay free
 * for those even when every call waits for a cluster that does not respond. Calls that move data are fewer still, so
 * that a row of flattenings does not hold up everything else.
 */
const lanes = { quick: openGate(8), slow: openGate(3) }

/** Makes a blocking call and returns its result. The arguments stay referenced until it ends. */
export function callRaw(name: string, args: unknown[], lane: keyof typeof lanes = 'quick'): Promise<number> {
  return lanes[lane](
    () =>
      new Promise((resolve, reject) => {
        opened!.native[name]!.async(...args, (error: unknown, returned: number | bigint | undefined) =>
          error ? reject(error) : resolve(Number(returned ?? 0)),
        )
      }),
  )
}

/** Makes a blocking call; throws a DriverError about `about` when the result is negative. */
export async function call(
  name: string,
  args: unknown[],
  about: string,
  lane: keyof typeof lanes = 'quick',
): Promise<number> {
  const returned = await callRaw(name, args, lane)
  if (returned < 0) throw cephError(about, returned)
  return returned
}

const tooSmall = -34

/** Reads a list the libraries' way: with room for some, and once more with the room they ask for. */
export async function readList<Row>(
  list: { name: string; args: unknown[]; type: Koffi.TypeObject; about: string; cleanup: string; counted?: boolean },
  convert: (row: Record<string, unknown>) => Row,
): Promise<Row[]> {
  const { koffi, native } = opened!
  const size = koffi.sizeof(list.type)
  for (let room = 64; ; ) {
    const buffer = Buffer.alloc((room + 1) * size)
    const max: (number | bigint)[] = [room]
    const returned = await callRaw(list.name, [...list.args, buffer, max])
    if (returned === tooSmall) {
      room = Math.max(room * 2, Number(max[0]) + 8)
      continue
    }
    if (returned < 0) throw cephError(list.about, returned)
    // The call for snapshots returns the length; all others write it to `max`.
    const count = list.counted ? returned : Number(max[0])
    const rows = Array.from({ length: count }, (_, i) => convert(koffi.decode(buffer, i * size, list.type)))
    if (list.counted) native[list.cleanup]!(buffer)
    else native[list.cleanup]!(buffer, count)
    return rows
  }
}

/** The loaded library, for calls that never wait. */
export function library(): Library {
  if (!opened) throw new DriverError('failed', 'The Ceph libraries are not open yet')
  return opened
}
