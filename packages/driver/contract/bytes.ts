import { open } from 'node:fs/promises'
import { type Address, openRunner, quietLog, type Runner } from '../src/index.ts'

export const gib = 1024 ** 3
export const mib = 1024 ** 2

/** Runs qemu-io and the like on this host. */
export const hostRunner: Runner = openRunner({ log: quietLog })

/** `length` bytes at `offset`, all of value `byte`. */
export interface Expectation {
  address: Address
  offset: number
  length: number
  byte: number
}

/** Looks at the bytes behind addresses, and changes them, past the driver. */
export interface ByteProbe {
  /** Writes `length` bytes of value `byte` at `offset`. */
  write(address: Address, offset: number, length: number, byte: number): Promise<void>
  /** Whether the `length` bytes at `offset` all have the value `byte`. */
  has(address: Address, offset: number, length: number, byte: number): Promise<boolean>
  /** Same as `has` for many ranges: on another host, one command checks them all. */
  hasAll(expected: Expectation[]): Promise<boolean[]>
  /** Size in bytes as a reader of the address sees it. */
  size(address: Address): Promise<number>
  /** As `size`, for many at once. */
  sizes(addresses: Address[]): Promise<number[]>
}

/** `run` belongs to the host where the driver's addresses mean something; this one when absent. */
export function openProbe(run?: Runner): ByteProbe {
  return run ? remoteProbe(run) : hostProbe
}

const hostProbe: ByteProbe = {
  write: writeBytes,
  has: hasBytes,
  hasAll: (expected) => each(expected, (one) => hasBytes(one.address, one.offset, one.length, one.byte)),
  size: sizeOfAddress,
  sizes: (addresses) => each(addresses, sizeOfAddress),
}

/** One after another: a hundred qemu-io at once would only wait for each other. */
async function each<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

/** Fills a range with one byte value. */
export async function writeBytes(address: Address, offset: number, length: number, byte: number): Promise<void> {
  if (!isPlainFile(address)) return remoteProbe(hostRunner).write(address, offset, length, byte)
  const file = await open(address.filename, 'r+')
  try {
    await file.write(Buffer.alloc(length, byte), 0, length, offset)
  } finally {
    await file.close()
  }
}

/** Returns whether every byte of a range has this value. */
export async function hasBytes(address: Address, offset: number, length: number, byte: number): Promise<boolean> {
  if (!isPlainFile(address)) return remoteProbe(hostRunner).has(address, offset, length, byte)
  const file = await open(address.filename, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset)
    return bytesRead === length && buffer.equals(Buffer.alloc(length, byte))
  } finally {
    await file.close()
  }
}

/** Returns the size of an address in bytes. */
export function sizeOfAddress(address: Address): Promise<number> {
  return remoteProbe(hostRunner).size(address)
}

function isPlainFile(address: Address): boolean {
  return address.format === 'raw' && address.filename.startsWith('/')
}

/**
 * Handles groups of six arguments: verb, format, filename, offset, length, byte. Raw paths go through cmp and dd, which
 * start faster than qemu-io; bytes that a kernel target wrote below the page cache become visible after its buffers are
 * dropped.
 */
const script = `
set -u
folder=
octal() { printf '\\\\%03o' "$1"; }
look() {
  [ ! -b "$2" ] || blockdev --flushbufs "$2"
  pattern=/dev/zero
  if [ "$5" -ne 0 ]; then
    [ -n "$folder" ] || folder=$(mktemp -d)
    pattern=$folder/$4-$5
    [ -e "$pattern" ] || head -c "$4" /dev/zero | tr '\\000' "$(octal "$5")" > "$pattern"
  fi
  cmp -s -n "$4" -i "$3:0" "$2" "$pattern"
}
look_qemu() {
  said=$(qemu-io -f "$1" -r -U -c "read -P $5 $3 $4" "$2") || return 1
  case $said in *[Vv]'erification failed'*) return 1 ;; esac
}
put() {
  head -c "$4" /dev/zero | tr '\\000' "$(octal "$5")" |
    dd of="$2" bs=65536 iflag=fullblock oflag=seek_bytes seek="$3" conv=notrunc,fsync status=none
}
put_qemu() { qemu-io -f "$1" -c "write -P $5 $3 $4" -c flush "$2" >/dev/null; }
extent() { if [ -b "$2" ]; then blockdev --getsize64 "$2"; else stat -L -c %s "$2"; fi; }
extent_qemu() { qemu-img info --force-share --output=json -f "$1" "$2" | tr -d '\\n'; echo; }
while [ $# -gt 0 ]; do
  verb=$1
  case $2:$3 in raw:/*) kind= ;; *) kind=_qemu ;; esac
  shift
  case $verb in
  look) if look$kind "$1" "$2" "$3" "$4" "$5"; then echo 1; else echo 0; fi ;;
  *) "$verb$kind" "$1" "$2" "$3" "$4" "$5" || exit 3 ;;
  esac
  shift 5
done
[ -z "$folder" ] || rm -r "$folder"
`

function remoteProbe(run: Runner): ByteProbe {
  const ask = async (verb: string, expected: Expectation[]): Promise<string[]> => {
    if (expected.length === 0) return []
    const words = expected.flatMap(({ address, offset, length, byte }) => [
      ...[verb, address.format, address.filename],
      ...[offset, length, byte].map(String),
    ])
    const { stdout } = await run(['sh', '-c', script, 'sh', ...words], { timeout: 300_000 })
    return stdout.trim().split('\n')
  }
  const probe: ByteProbe = {
    async write(address, offset, length, byte) {
      await ask('put', [{ address, offset, length, byte }])
    },
    has: async (address, offset, length, byte) => (await probe.hasAll([{ address, offset, length, byte }]))[0] === true,
    hasAll: async (expected) => (await ask('look', expected)).map((line) => line === '1'),
    size: async (address) => (await probe.sizes([address]))[0]!,
    async sizes(addresses) {
      const lines = await ask(
        'extent',
        addresses.map((address) => ({ address, offset: 0, length: 0, byte: 0 })),
      )
      return lines.map((line) =>
        line.startsWith('{') ? (JSON.parse(line) as { 'virtual-size': number })['virtual-size'] : Number(line),
      )
    },
  }
  return probe
}
