import type { Command } from 'commander'
import { positive } from '../boot-storm/whole-number.ts'
import { type ExportsResult, measureExports } from './run.ts'

interface Flags {
  count: number
  samples: number
  json: boolean
}

/** Adds the `exports` command: times iSCSI exports by this suite, rtslib and targetcli. */
export function addExports(program: Command): void {
  program
    .command('exports')
    .summary('make and remove iSCSI exports: tgt here, the kernel target in a virtual machine')
    .description(
      'Makes exports with CHAP and removes them again: by this suite on tgt here, by this suite on the kernel target of a ' +
        'virtual machine, and there by rtslib and targetcli. Ways that start a process for each export make only ' +
        '--samples of them, and their seconds are scaled to --count. The virtual machine is emulated: compare its rows ' +
        'with each other.',
    )
    .option('--count <n>', 'exports', positive, 200)
    .option('--samples <n>', 'exports by a process each', positive, 3)
    .option('--json', 'one line of JSON for each row', false)
    .action(async ({ count, samples, json }: Flags) => {
      await measureExports({ count, samples }, (result) => {
        process.stdout.write(`${json ? JSON.stringify(result) : row(result)}\n`)
      })
    })
}

function row({ way, where, create, remove, processes, sampled }: ExportsResult): string {
  const seconds = (value: number) => `${value.toFixed(2)} s`.padStart(10)
  const note = sampled === null ? '' : `  (of ${sampled})`
  return `${way.padEnd(48)}${where.padEnd(18)}made${seconds(create)}  removed${seconds(remove)}  ${String(processes).padStart(5)} processes${note}`
}
