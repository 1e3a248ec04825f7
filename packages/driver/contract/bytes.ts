import { open } from 'node:fs/promises'
import { type Address, openRunner, type Runner } from '../src/index.ts'

const nothing = () => undefined
/** A log for suites that look at results only. */
export const quietLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }

/** Runs qemu-io and the like on this host. */
export const hostRunner: Runner = openRunner({ log: quietLog })

/** Writes `length` bytes of value `byte` at `offset`. */
export async function writeBytes(address: Address, offset: number, length: number, byte: number): Promise<void> {
  if (!isPlainFile(address)) {
    await hostRunner([
      ...qemuIo(address),
      '-c',
      `write -P ${byte} ${offset} ${length}`,
      '-c',
      'flush',
      address.filename,
    ])
    return
  }
  const file = await open(address.filename, 'r+')
  try {
    await file.write(Buffer.alloc(length, byte), 0, length, offset)
  } finally {
    await file.close()
  }
}

/** Whether the `length` bytes at `offset` all have the value `byte`. */
export async function hasBytes(address: Address, offset: number, length: number, byte: number): Promise<boolean> {
  if (!isPlainFile(address)) {
    const argv = [...qemuIo(address), '-r', '-c', `read -P ${byte} ${offset} ${length}`, address.filename]
    const { stdout, exitCode } = await hostRunner(argv, { allow: [0, 1] })
    return exitCode === 0 && !/verification failed/i.test(stdout)
  }
  const file = await open(address.filename, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset)
    return bytesRead === length && buffer.equals(Buffer.alloc(length, byte))
  } finally {
    await file.close()
  }
}

/** Size in bytes as a reader of the address sees it. */
export async function sizeOfAddress(address: Address): Promise<number> {
  const argv = ['qemu-img', 'info', '--force-share', '--output=json', '-f', address.format, address.filename]
  const { stdout } = await hostRunner(argv)
  return (JSON.parse(stdout) as { 'virtual-size': number })['virtual-size']
}

function isPlainFile(address: Address): boolean {
  return address.format === 'raw' && address.filename.startsWith('/')
}

function qemuIo(address: Address): string[] {
  return ['qemu-io', '-f', address.format]
}
