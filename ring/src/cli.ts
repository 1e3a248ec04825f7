import { access } from 'node:fs/promises'
import { Command } from 'commander'
import { balanceByDevice, balanceOf, dispersionOf, validateRing } from './balance.ts'
import { activeDevices, addDevice, type Builder, createBuilder, removeDevice, ringOf, setWeight } from './builder.ts'
import { loadBuilder, saveBuilder } from './builder-file.ts'
import { parseDevice } from './device.ts'
import { RingError } from './errors.ts'
import { writeRing } from './file.ts'
import { rebalance } from './rebalance.ts'

type Print = (line: string) => void

/**
 * Returns the command `ring create|add|remove|set-weight|rebalance|show|validate`, a part of the command `hearth`.
 * Its actions throw RingError when they fail.
 */
export function ringCommand(print: Print = console.log): Command {
  const command = new Command('ring').description(
    'Build rings, which map partitions to devices. The commands edit a builder file (JSON); rebalance writes the ring file into the same folder.',
  )
  addCreate(command, print)
  addDevices(command, print)
  addRebalance(command, print)
  addInspection(command, print)
  return command
}

function addCreate(command: Command, print: Print): void {
  command
    .command('create <builder>')
    .description('create a builder file')
    .option('--part-power <n>', 'the ring has 2^n partitions; plan 100 per device for the full cluster', '10')
    .option('--replicas <n>', 'copies of each partition; may be fractional', '3')
    .option('--min-part-hours <n>', 'hours before a partition may move again', '1')
    .option('--overload <f>', 'share above its weight that a device may take to improve dispersion', '0')
    .action(async (path: string, options: Record<'partPower' | 'replicas' | 'minPartHours' | 'overload', string>) => {
      if (await exists(path)) throw new RingError(`the file ${path} exists already`)
      const builder = createBuilder({
        partPower: Number(options.partPower),
        replicas: Number(options.replicas),
        minPartHours: Number(options.minPartHours),
        overload: Number(options.overload),
      })
      await saveBuilder(path, builder)
      print(`${path}: 2^${builder.partPower} partitions, ${builder.replicas} replicas, no devices yet`)
    })
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  )

async function edit<T>(path: string, change: (builder: Builder) => T): Promise<T> {
  const builder = await loadBuilder(path)
  const result = change(builder)
  await saveBuilder(path, builder)
  return result
}

function addDevices(command: Command, print: Print): void {
  command
    .command('add <builder> <device> <weight>')
    .description('add a device, written [r<region>]z<zone>-<ip>:<port>/<name>')
    .action(async (path: string, text: string, weight: string) => {
      const id = await edit(path, (builder) => addDevice(builder, parseDevice(text, Number(weight))))
      print(`d${id} added; rebalance to use it`)
    })
  command
    .command('remove <builder> <id>')
    .description('mark a device (d3 or 3) for removal')
    .action(async (path: string, id: string) => {
      await edit(path, (builder) => removeDevice(builder, deviceId(id)))
      print(`${id} is marked for removal; rebalance to empty it`)
    })
  command
    .command('set-weight <builder> <id> <weight>')
    .description('change the share of the data that a device takes; 0 drains it')
    .action(async (path: string, id: string, weight: string) => {
      await edit(path, (builder) => setWeight(builder, deviceId(id), Number(weight)))
      print(`${id} has weight ${weight}; rebalance to move the data`)
    })
}

function deviceId(text: string): number {
  const match = /^d?(\d+)$/.exec(text)
  if (!match) throw new RingError(`"${text}" is not a device id such as d3`)
  return Number(match[1])
}

/** Path of the ring file of a builder: `object.builder.json` → `object.ring.gz`. */
const ringPathOf = (path: string) => `${path.replace(/(\.builder)?(\.json)?$/, '')}.ring.gz`

function addRebalance(command: Command, print: Print): void {
  command
    .command('rebalance <builder>')
    .description('assign the partitions and write the ring file')
    .option('--seed <text>', 'make the same choices for the same text')
    .option('--force', 'also move partitions that moved less than min-part-hours ago')
    .option('--output <file>', 'ring file (default: <builder>.ring.gz)')
    .option('--json', 'print JSON')
    .action(async (path: string, options: { seed?: string; force?: boolean; output?: string; json?: boolean }) => {
      const builder = await loadBuilder(path)
      if (options.force) builder.hoursSinceMove.fill(255)
      const result = rebalance(builder, options.seed === undefined ? {} : { seed: options.seed })
      validateRing(builder)
      const output = options.output ?? ringPathOf(path)
      await writeRing(output, ringOf(builder))
      await saveBuilder(path, builder)
      const report = { ...result, balance: balanceOf(builder), dispersion: dispersionOf(builder), ring: output }
      if (options.json) return print(JSON.stringify(report))
      print(
        `${result.moved} partitions moved; balance ${report.balance.toFixed(2)}, dispersion ${report.dispersion.toFixed(2)}`,
      )
      print(`wrote ${output}`)
    })
}

function addInspection(command: Command, print: Print): void {
  command
    .command('show <builder>')
    .description('list the devices with their partitions and balance')
    .option('--json', 'print JSON')
    .action(async (path: string, options: { json?: boolean }) => {
      const builder = await loadBuilder(path)
      print(options.json ? JSON.stringify(describe(builder)) : table(builder))
    })
  command
    .command('validate <builder>')
    .description('check that every replica has a device and that no two replicas of a partition share one')
    .option('--json', 'print JSON')
    .action(async (path: string, options: { json?: boolean }) => {
      validateRing(await loadBuilder(path))
      print(options.json ? JSON.stringify({ valid: true }) : `${path} is valid`)
    })
}

function describe(builder: Builder): Record<string, unknown> {
  const { partPower, replicas, minPartHours, overload, version } = builder
  const balances = balanceByDevice(builder)
  const devices = activeDevices(builder).map((device, index) => ({ ...device, ...balances[index] }))
  return {
    ...{ partPower, replicas, minPartHours, overload, version, removing: builder.removing },
    ...{ balance: balanceOf(builder), dispersion: dispersionOf(builder), devices },
  }
}

function table(builder: Builder): string {
  const balances = balanceByDevice(builder)
  const rows = activeDevices(builder).map((device, index) => [
    `d${device.id}`,
    `r${device.region}z${device.zone}`,
    `${device.ip}:${device.port}/${device.device}`,
    String(device.weight),
    String(balances[index]!.parts),
    balances[index]!.balance.toFixed(2),
  ])
  const all = [['id', 'zone', 'device', 'weight', 'parts', 'balance'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  const head = `2^${builder.partPower} partitions, ${builder.replicas} replicas, version ${builder.version}`
  return [
    head,
    ...all.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    ),
  ].join('\n')
}
