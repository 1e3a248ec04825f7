import { randomUUID } from 'node:crypto'
import { quietLog as log, openDriver, openRunner, type VolumeDriver } from '@hearth/driver'
import type { Command } from 'commander'
import { percentile } from '../boot-storm/result.ts'
import { positive } from '../boot-storm/whole-number.ts'

interface Flags {
  conf: string
  user: string
  pool: string
  rounds: number
  json: boolean
}

const operations = ['create', 'snapshot', 'clone', 'delete'] as const
type Operation = (typeof operations)[number]
/** Runs each operation on the volume with this number. */
type Side = Record<Operation, (round: number) => Promise<void>>

/** Adds the `rbd` command: the RBD driver timed against Ceph's own command. */
export function addRbd(program: Command): void {
  program
    .command('rbd')
    .summary("time our RBD driver against Ceph's own command")
    .description('Creates, snapshots, clones and deletes volumes of 1 GiB, by our driver and by `rbd` in turns.')
    .requiredOption('--conf <file>', 'ceph.conf of a cluster; its pool is written to')
    .option('--user <name>', 'without `client.`', 'cinder')
    .option('--pool <name>', 'where to make the volumes', 'volumes')
    .option('--rounds <n>', 'of each operation on each side', positive, 20)
    .option('--json', 'one line of JSON for each operation', false)
    .action(run)
}

async function run(flags: Flags): Promise<void> {
  const runner = openRunner({ log })
  const { conf, user, pool } = flags
  const driver = await openDriver('volume', '@hearth/driver-rbd', { conf, user, pool }, { run: runner, log })
  const rbd = async (...argv: string[]) => void (await runner(['rbd', '-c', conf, '--id', user, ...argv]))
  const sides = { ours: ourSide(driver), rbd: commandSide(rbd, pool) }
  const times = { ours: emptyTimes(), rbd: emptyTimes() }
  try {
    for (let round = 0; round < flags.rounds; round += 1) {
      const order = round % 2 ? (['ours', 'rbd'] as const) : (['rbd', 'ours'] as const)
      for (const operation of operations) {
        for (const side of order) {
          const began = performance.now()
          await sides[side][operation](round)
          times[side][operation].push(performance.now() - began)
        }
      }
    }
  } finally {
    await driver.close?.()
  }
  for (const operation of operations) print(operation, times.ours[operation], times.rbd[operation], flags.json)
}

const emptyTimes = (): Record<Operation, number[]> => ({ create: [], snapshot: [], clone: [], delete: [] })

/** On both sides `delete` times the removal of the clone, the snapshot and the volume together. */
function ourSide(driver: VolumeDriver): Side {
  const run = randomUUID().slice(0, 8)
  const volume = (round: number) => ({ id: run, name: `volume-bench-${run}-${round}`, sizeGiB: 1 })
  const copy = (round: number) => ({ ...volume(round), name: `${volume(round).name}-copy` })
  const snapshot = (round: number) => ({ id: run, name: `snapshot-${run}`, volume: volume(round) })
  return {
    create: async (round) => void (await driver.create(volume(round))),
    snapshot: async (round) => void (await driver.snapshot(snapshot(round))),
    clone: async (round) => void (await driver.createFromSnapshot(copy(round), snapshot(round))),
    async delete(round) {
      await driver.delete(copy(round))
      await driver.deleteSnapshot(snapshot(round))
      await driver.delete(volume(round))
    },
  }
}

function commandSide(rbd: (...argv: string[]) => Promise<void>, pool: string): Side {
  const run = randomUUID().slice(0, 8)
  const name = (round: number) => `${pool}/bench-${run}-${round}`
  return {
    create: (round) => rbd('create', '--size', '1G', name(round)),
    snapshot: (round) => rbd('snap', 'create', '--no-progress', `${name(round)}@s`),
    clone: (round) => rbd('clone', '--rbd-default-clone-format', '2', `${name(round)}@s`, `${name(round)}-copy`),
    async delete(round) {
      await rbd('rm', '--no-progress', `${name(round)}-copy`)
      await rbd('snap', 'rm', '--no-progress', `${name(round)}@s`)
      await rbd('rm', '--no-progress', name(round))
    },
  }
}

function print(operation: Operation, ours: number[], rbd: number[], json: boolean): void {
  const of = (times: number[]) => ({ p50: percentile(times, 50), p95: percentile(times, 95) })
  const [mine, theirs] = [of(ours), of(rbd)]
  if (json) {
    process.stdout.write(
      `${JSON.stringify({ deed: operation, unit: 'ms', rounds: ours.length, ours: mine, rbd: theirs })}\n`,
    )
    return
  }
  const shown = ({ p50, p95 }: typeof mine) => `p50 ${p50.toFixed(1).padStart(7)}  p95 ${p95.toFixed(1).padStart(7)} ms`
  process.stdout.write(`${operation.padEnd(10)} ours ${shown(mine)}   rbd ${shown(theirs)}\n`)
}
