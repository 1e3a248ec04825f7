import { mkdtemp } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'

/** A Ceph cluster of its own on loopback: one monitor, one manager, one OSD. */
export interface LabCeph {
  /** Path of its ceph.conf; users `admin` and `cinder` can log in by it. */
  conf: string
  pools: string[]
  /** Runs `rbd`, `ceph` or `rados` on the cluster and answers what it says. */
  command(argv: string[], options?: { input?: string }): Promise<string>
  /** Ends the daemons and keeps the data (in a memory store they are lost). */
  stop(): Promise<void>
  /** Starts them again. */
  start(): Promise<void>
  /** Ends one daemon without a word: `mon.a`, `osd.0` or `mgr.x`. */
  kill(daemon: string): Promise<void>
  /** Ends everything and removes its data. */
  close(): Promise<void>
}

interface LabCephOptions {
  /** `memstore` (default) starts quickest; `bluestore` outlives a stop. */
  store?: 'memstore' | 'bluestore'
  sizeGiB?: number
  pools?: string[]
}

const script = join(import.meta.dirname, 'ceph.sh')
const startMs = 180_000

export async function startCeph(options: LabCephOptions = {}): Promise<LabCeph> {
  const { store = 'memstore', sizeGiB = 10, pools = ['volumes', 'images', 'backups'] } = options
  const parent = await mkdtemp(join(tmpdir(), 'hearth-ceph-'))
  const folder = join(parent, 'cluster')
  const env = {
    CEPH_DEV_DIR: folder,
    CEPH_DEV_STORE: store,
    CEPH_DEV_GB: String(sizeGiB),
    CEPH_DEV_PORT: String(await freePortRange()),
    CEPH_DEV_POOLS: pools.join(' '),
  }
  const ceph = (verb: string) => execa('bash', [script, verb], { env, timeout: startMs })
  const conf = join(folder, 'ceph.conf')
  const cluster: LabCeph = {
    conf,
    pools,
    async command([program, ...args], given = {}) {
      const input = given.input === undefined ? { stdin: 'ignore' as const } : given
      return (await execa(program!, ['-c', conf, ...args], { timeout: 120_000, ...input })).stdout
    },
    stop: async () => void (await ceph('stop')),
    start: async () => void (await ceph('up')),
    async kill(daemon) {
      const pidFile = join(folder, 'run', `${daemon}.pid`)
      await execa('sh', ['-c', 'kill -9 "$(cat "$1")"', 'sh', pidFile])
    },
    async close() {
      await ceph('down')
      await execa('rm', ['-rf', parent])
    },
  }
  await cluster.start().catch(async (error: unknown) => {
    await cluster.close().catch(() => undefined)
    throw error
  })
  return cluster
}

/** The monitor's port; the script takes this many from it on for the other daemons. */
const portsOfACluster = 201

/** A port below the range the kernel hands out, so that nobody takes one of the following in the meantime. */
async function freePortRange(): Promise<number> {
  for (let tries = 0; tries < 50; tries += 1) {
    const first = 10_000 + portsOfACluster * Math.floor(Math.random() * 100)
    if ((await isFree(first)) && (await isFree(first + 1))) return first
  }
  throw new Error('no free range of ports for a Ceph cluster')
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
