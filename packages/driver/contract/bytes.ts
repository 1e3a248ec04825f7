import { open } from 'node:fs/promises'
import { type Address, openRunner, type Runner } from '../src/index.ts'

const nothing = () => undefined
/** A log for suites that look at results only. */
export const quietLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Runs qemu-io and the like on this host. */
export const hostRunner: Runner = openRunner({ log: quietLog })

/** Looks at the bytes behind addresses, and changes them, past the driver. */
export interface ByteProbe {
  /** Writes `length` bytes of value `byte` at `offset`. */
  write(address: Address, offset: number, length: number, byte: number): Promise<void>
  /** Whether the `length` bytes at `offset` all have the value `byte`. */
  has(address: Address, offset: number, length: number, byte: number): Promise<boolean>
  /** Size in bytes as a reader of the address sees it. */
  size(address: Address): Promise<number>
}

/** `run` belongs to the host where the driver's addresses mean something; this one when absent. */
export function openProbe(run?: Runner): ByteProbe {
  if (!run) return { write: writeBytes, has: hasBytes, size: sizeOfAddress }
  return {
    write: (address, offset, length, byte) => writeByQemu(run, address, offset, length, byte),
    has: (address, offset, length, byte) => hasByQemu(run, address, offset, length, byte),
    size: (address) => sizeByQemu(run, address),
  }
}

export async function writeBytes(address: Address, offset: number, length: number, byte: number): Promise<void> {
  if (!isPlainFile(address)) return writeByQemu(hostRunner, address, offset, length, byte)
  const file = await open(address.filename, 'r+')
  try {
    await file.write(Buffer.alloc(length, byte), 0, length, offset)
  } finally {
    await file.close()
  }
}

export async function hasBytes(address: Address, offset: number, length: number, byte: number): Promise<boolean> {
  if (!isPlainFile(address)) return hasByQemu(hostRunner, address, offset, length, byte)
  const file = await open(address.filename, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset)
    return bytesRead === length && buffer.equals(Buffer.alloc(length, byte))
  } finally {
    await file.close()
  }
}

export function sizeOfAddress(address: Address): Promise<number> {
  return sizeByQemu(hostRunner, address)
}

async function writeByQemu(run: Runner, { format, filename }: Address, offset: number, length: number, byte: number) {
  await run(['qemu-io', '-f', format, '-c', `write -P ${byte} ${offset} ${length}`, '-c', 'flush', filename])
}

async function hasByQemu(run: Runner, { format, filename }: Address, offset: number, length: number, byte: number) {
  const argv = ['qemu-io', '-f', format, '-r', '-c', `read -P ${byte} ${offset} ${length}`, filename]
  const { stdout, exitCode } = await run(argv, { allow: [0, 1] })
  return exitCode === 0 && !/verification failed/i.test(stdout)
}

async function sizeByQemu(run: Runner, { format, filename }: Address): Promise<number> {
  const { stdout } = await run(['qemu-img', 'info', '--force-share', '--output=json', '-f', format, filename])
  return (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size']
}

function isPlainFile(address: Address): boolean {
  return address.format === 'raw' && address.filename.startsWith('/')
}
