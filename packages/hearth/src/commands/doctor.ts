import { Command } from 'commander'
import { examineHost } from '../doctor.ts'
import { examineBackends } from '../doctor-backends.ts'
import { makeFolders } from '../folders.ts'
import { configOf } from './config-option.ts'

export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Tells what this host can do (reflink, iSCSI targets, LVM, NFS, Ceph, root), whether the storage of each backend is there, and how to get the rest',
    )
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const config = configOf(command)
      makeFolders(config.dataFolder)
      const findings = [...examineHost(config.dataFolder), ...(await examineBackends(config))]
      if (options.json) {
        process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
        return
      }
      for (const { name, ok, found, without, remedy } of findings) {
        process.stdout.write(`${ok ? '✓' : '·'} ${name.padEnd(15)} ${found}\n`)
        if (!ok) process.stdout.write(`${' '.repeat(18)}without: ${without}\n${' '.repeat(18)}to get it: ${remedy}\n`)
      }
    })
}
