import { Command } from 'commander'
import { examineHost, type Finding } from '../doctor.ts'
import { examineBackends } from '../doctor-backends.ts'
import { foldersOf, makeFolders } from '../folders.ts'
import type { CheckResult } from '../health.ts'
import { configOf } from './config-option.ts'
import { suiteStatus } from './status.ts'

/** Returns the command `hearth doctor`. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description(
      'Tells what this host can do (reflink, iSCSI targets, LVM, NFS, Ceph, root), whether the storage of each backend is there, and how to get the rest; exit code 1 when something that is configured is down',
    )
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const config = configOf(command)
      makeFolders(config.dataFolder)
      const running = await suiteStatus(foldersOf(config.dataFolder).run)
      const findings = [
        ...examineHost(config.dataFolder),
        ...(await examineBackends(config)),
        ...running.checks.filter(({ ok }) => !ok).map(findingOf),
      ]
      process.exitCode = findings.some(({ ok, needed }) => !ok && needed === true) ? 1 : 0
      if (options.json) {
        process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`)
        return
      }
      for (const { name, ok, needed, found, without, remedy } of findings) {
        process.stdout.write(`${ok ? '✓' : needed ? '!' : '·'} ${name.padEnd(15)} ${found}\n`)
        if (!ok) process.stdout.write(`${' '.repeat(18)}without: ${without}\n${' '.repeat(18)}to get it: ${remedy}\n`)
      }
    })
}

/** Checks reported by the running suite. */
const findingOf = ({ name, roles, detail }: CheckResult): Finding => ({
  name,
  ok: false,
  needed: true,
  found: detail ?? 'down',
  without: `${roles?.join(', ') ?? 'nothing'} cannot work`,
  remedy: 'mend that; it is noticed within seconds',
})
