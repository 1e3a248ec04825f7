import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { freePort } from './daemon.ts'

/** A virtual machine with a kernel that has device-mapper, LIO, iSCSI and NFS. */
export interface LabVm {
  /** Arguments of ssh that lead to its root user. */
  ssh: string[]
  /** Loopback port of this host → port of the machine, for those asked for. */
  forwarded: Record<number, number>
  /** Runs a shell command there as root and answers its output. Throws with its output when it fails. */
  run(command: string, options?: { input?: string; timeoutMs?: number }): Promise<string>
  /** Cuts its power and throws its disks away. */
  close(): Promise<void>
}

interface LabVmOptions {
  /** Ports of the machine to be reached from this host. */
  ports?: number[]
  /** Sizes of its empty disks /dev/vdb, /dev/vdc …, sparse on this host. Default 8G and 4G. */
  disks?: string[]
}

const script = join(import.meta.dirname, 'vm.sh')
/** Building the machine's disk, once per host, takes minutes. */
const upMs = 15 * 60_000

/**
 * Starts a machine of its own from the saved booted state; builds that first where there is none. It sees this host's
 * loopback as 10.0.2.2.
 */
export async function startLabVm(options: LabVmOptions = {}): Promise<LabVm> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-vm-'))
  const forwarded: Record<number, number> = {}
  for (const port of options.ports ?? []) forwarded[port] = await freePort()
  const env = {
    LAB_RUN: join(folder, 'run'),
    LAB_SHARE: folder,
    LAB_FORWARD: Object.entries(forwarded)
      .map(([guest, host]) => `${host}:${guest}`)
      .join(' '),
    LAB_DISKS: (options.disks ?? ['8G', '4G']).join(' '),
  }
  const vm = (...args: string[]) => execa('bash', [script, ...args], { env, timeout: upMs })
  const close = async (): Promise<void> => {
    await vm('down')
    await rm(folder, { recursive: true, force: true })
  }
  await vm('up').catch(async (error: unknown) => {
    await close().catch(() => undefined)
    throw error
  })
  const ssh = (await vm('ssh')).stdout.split('\n')
  return {
    ssh,
    forwarded,
    async run(command, { input, timeoutMs = 120_000 } = {}) {
      const given = input === undefined ? { stdin: 'ignore' as const } : { input }
      return (await execa('ssh', [...ssh, command], { timeout: timeoutMs, ...given })).stdout
    },
    close,
  }
}
