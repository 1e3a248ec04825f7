import type { Command } from 'commander'
import { positive } from '../boot-storm/whole-number.ts'
import { type CopyFlags, compareCopies, type Measured } from './run.ts'

/** Adds the `copy` command: copies of one volume by copyBlocks and by qemu-img convert, in turns. */
export function addCopy(program: Command): void {
  program
    .command('copy')
    .summary('copy a volume between backends, compared with qemu-img convert')
    .description(
      'Copies one raw volume, three quarters of it random bytes and the rest a hole, into a file, a qcow2 file and an RBD image, ' +
        'by copyBlocks and by qemu-img convert in turns, until it is on stable storage.',
    )
    .option('--size <MiB>', 'size of the volume', positive, 1024)
    .option('--rounds <n>', 'copies by each of the two', positive, 5)
    .option('--folder <path>', 'where the files are; the folder for temporary files when absent')
    .option('--ceph <ceph.conf>', 'a cluster with a pool `volumes` that user `admin` may use; no RBD without it')
    .option('--json', 'one line of JSON for each target', false)
    .action(async (flags: CopyFlags & { json: boolean }) => {
      if (!flags.json) process.stdout.write(`${heading}\n`)
      for await (const measured of compareCopies(flags)) {
        process.stdout.write(`${flags.json ? JSON.stringify(measured) : line(measured)}\n`)
      }
    })
}

const heading = ['target', 'copyBlocks', 'qemu-img', 'ratio', 'spread'].map((word) => word.padStart(12)).join('')

/** MiB/s of the whole volume, holes included; the ratio is the median of copyBlocks to that of qemu-img. */
function line({ target, ours, theirs, ratio }: Measured): string {
  const spread = (values: number[]): string => `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}`
  const cells = [target, `${Math.round(ours.median)} MiB/s`, `${Math.round(theirs.median)} MiB/s`, ratio.toFixed(2)]
  return `${cells.map((cell) => cell.padStart(12)).join('')}   ${spread(ours.all)} beside ${spread(theirs.all)}`
}
