import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { execa } from 'execa'
import { type Measure, measures, type Result } from '../boot-storm/result.ts'
import { positive } from '../boot-storm/whole-number.ts'
import { startHearth } from './hearth.ts'
import { type RunningCloud, variablesOf } from './running-cloud.ts'

interface Flags {
  count: number
  ioConcurrency: number
  io: boolean
  osdGib: number
  rounds: number
  json?: string
}

interface Round {
  real: Result
  hearth: Result
}

const about = `
Starts a Ceph cluster of one OSD (bluestore, pools of size 1) and, one after the other on it, Debian's own Keystone, Glance
and Cinder (services.sh in this folder says which packages), then Hearth with its image store and volumes there; sends the
same storm to each and prints both and their ratios. Needs root. Everything listens on 127.0.0.1 and is removed at the end.

Example:
  npm run bench -- beside-real --count 200`

/** Adds the `beside-real` command: one boot storm on the real services and on Hearth. */
export function addBesideReal(program: Command): void {
  program
    .command('beside-real')
    .summary('the same boot storm on the real services and on Hearth, in one run')
    .description('Sends one boot storm to the real OpenStack services and to Hearth, both on RBD, and compares.')
    .option('--count <machines>', 'machines', positive, 200)
    .option('--io-concurrency <machines>', 'machines that read and write at once', positive, 8)
    .option('--no-io', 'do not read the volumes')
    .option('--osd-gib <GiB>', 'size of the OSD, sparse', positive, 20)
    .option('--rounds <n>', 'storms on each of the two', positive, 1)
    .option('--json <file>', 'write both results as JSON')
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      process.exitCode = (await compare(flags)) ? 0 : 1
    })
}

async function compare(flags: Flags): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-beside-'))
  // The database runs as its own user and must reach this folder.
  chmodSync(folder, 0o755)
  const ceph = await startCluster(folder, flags)
  try {
    const rounds: Round[] = []
    for (let round = 1; round <= flags.rounds; round += 1) {
      const real = await stormOn('the real services', () => startReal(folder, ceph.conf), folder, ceph.conf, flags)
      const hearth = await stormOn('Hearth', () => startHearth(folder, ceph.conf), folder, ceph.conf, flags)
      rounds.push({ real, hearth })
      process.stdout.write(`${tableOf({ real, hearth }, round)}\n`)
    }
    if (flags.json) writeFileSync(flags.json, `${JSON.stringify(rounds, null, 2)}\n`)
    return rounds.every(({ real, hearth }) => real.failed + hearth.failed === 0)
  } finally {
    await execa('bash', [services, 'wipe'], { env: { PEERS_STATE: join(folder, 'peers') }, reject: false })
    await ceph.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

const root = join(import.meta.dirname, '..', '..')
const services = join(import.meta.dirname, 'services.sh')

async function startCluster(folder: string, flags: Flags): Promise<{ conf: string; stop(): Promise<void> }> {
  const env = {
    CEPH_DEV_DIR: join(folder, 'ceph'),
    CEPH_DEV_STORE: 'bluestore',
    CEPH_DEV_GB: String(flags.osdGib),
    CEPH_DEV_PORT: '9500',
  }
  const script = join(root, 'test', 'lab', 'ceph.sh')
  say('starting Ceph')
  await execa('bash', [script, 'up'], { env })
  return {
    conf: join(folder, 'ceph', 'ceph.conf'),
    stop: async () => void (await execa('bash', [script, 'down'], { env })),
  }
}

async function startReal(folder: string, cephConf: string): Promise<RunningCloud> {
  const env = { PEERS_STATE: join(folder, 'peers'), PEERS_CEPH_CONF: cephConf }
  const run = (verb: string) => execa('bash', [services, verb], { env })
  // The first round makes databases and users, which takes a minute.
  await run('up').catch(() => run('install'))
  await run('up')
  const { stdout } = await run('env')
  return { env: variablesOf(stdout), stop: async () => void (await run('down')) }
}

async function stormOn(
  name: string,
  begin: () => Promise<RunningCloud>,
  folder: string,
  cephConf: string,
  flags: Flags,
): Promise<Result> {
  say(`starting ${name}`)
  const cloud = await begin()
  try {
    say(`${flags.count} machines on ${name}`)
    const json = join(folder, 'result.json')
    const argv = [
      ...[join(root, 'bench', 'cli.ts'), 'boot-storm', '--count', String(flags.count), '--concurrency', '200'],
      ...['--io-concurrency', String(flags.ioConcurrency), '--ceph-conf', cephConf, '--json', json],
      ...(flags.io ? [] : ['--no-io']),
    ]
    // A storm with failures has its result all the same.
    await rm(json, { force: true })
    const { exitCode, stderr } = await execa(process.execPath, argv, { env: cloud.env, reject: false })
    if (exitCode !== 0) process.stderr.write(`${stderr.slice(-2000)}\n`)
    if (!existsSync(json)) throw new Error(`The storm on ${name} could not be sent`)
    return JSON.parse(readFileSync(json, 'utf8')) as Result
  } finally {
    await cloud.stop()
  }
}

function tableOf({ real, hearth }: Round, round: number): string {
  const columns = ['real p50', 'hearth p50', 'ratio', 'real max', 'hearth max', 'ratio']
  const row = (measure: Measure): string[] | null => {
    const [theirs, ours] = [real.stages[measure], hearth.stages[measure]]
    if (!theirs || !ours) return null
    const pair = (key: 'p50' | 'max') => [
      theirs[key].toFixed(3),
      ours[key].toFixed(3),
      (theirs[key] / ours[key]).toFixed(1),
    ]
    return [measure, ...pair('p50'), ...pair('max')]
  }
  const rows = measures.flatMap((measure) => [row(measure)].filter((cells) => cells !== null))
  const lines = [[`round ${round}`, ...columns], ...rows].map((cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(12) : cell.padStart(12))).join(''),
  )
  const ended = ({ ok, failed, wallSeconds }: Result) => `${ok} ok, ${failed} failed, ${wallSeconds.toFixed(1)} s`
  return [...lines, '', `real:   ${ended(real)}`, `hearth: ${ended(hearth)}`].join('\n')
}

const say = (text: string): void => void process.stderr.write(`${text}\n`)
