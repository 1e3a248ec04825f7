/** Works on volumes until it is killed, and prints each operation before and after it. */
import { writeSync } from 'node:fs'
import { openDriver, openRunner, quietLog, type VolumeRef } from '../src/index.ts'
import type { CrashTask } from './crash.ts'

const { package: packageName, options, round, ssh } = JSON.parse(process.argv[2] ?? '{}') as CrashTask
const run = openRunner({ log: quietLog, ...(ssh && { ssh }) })
const driver = await openDriver('volume', packageName, options, { run, remote: ssh !== undefined, log: quietLog })
const base: VolumeRef = { id: 'base', name: 'volume-base', sizeGiB: 1 }

async function tell(operation: string, name: string, work: () => Promise<unknown>): Promise<void> {
  writeSync(1, `begin ${operation} ${name}\n`)
  await work()
  writeSync(1, `end ${operation} ${name}\n`)
}

// Each round deletes its volumes and snapshots again, so that a small pool suffices for any number of rounds.
for (let i = 0; ; i += 1) {
  const volume = (kind: string): VolumeRef => ({ id: kind, name: `volume-${kind}-${round}-${i}`, sizeGiB: 1 })
  const [blank, clone, copy] = [volume('blank'), volume('clone'), volume('copy')]
  const snapshot = { id: 's', name: `snapshot-${round}-${i}`, volume: base }
  await tell('create', blank.name, () => driver.create(blank))
  await tell('clone', clone.name, () => driver.clone(clone, base))
  await tell('snapshot', snapshot.name, () => driver.snapshot(snapshot))
  await tell('createFromSnapshot', copy.name, () => driver.createFromSnapshot(copy, snapshot))
  await tell('extend', blank.name, () => driver.extend(blank, 2))
  if (driver.revert) await tell('revert', base.name, () => driver.revert!(snapshot))
  await tell('delete', copy.name, () => driver.delete(copy))
  await tell('deleteSnapshot', snapshot.name, () => driver.deleteSnapshot(snapshot))
  for (const { name } of [blank, clone]) {
    await tell('delete', name, () => driver.delete({ id: name, name, sizeGiB: 1 }))
  }
}
