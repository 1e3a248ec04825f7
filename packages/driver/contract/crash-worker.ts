/** Works on volumes without end, telling each deed before and after on standard output, until it is killed. */
import { writeSync } from 'node:fs'
import { openDriver, openRunner, type VolumeRef } from '../src/index.ts'
import { quietLog } from './bytes.ts'

const {
  package: packageName,
  options,
  round,
} = JSON.parse(process.argv[2] ?? '{}') as {
  package: string
  options: Record<string, unknown>
  round: number
}
const driver = await openDriver('volume', packageName, options, { run: openRunner({ log: quietLog }), log: quietLog })
const base: VolumeRef = { id: 'base', name: 'volume-base', sizeGiB: 1 }

async function tell(deed: string, name: string, work: () => Promise<unknown>): Promise<void> {
  writeSync(1, `begin ${deed} ${name}\n`)
  await work()
  writeSync(1, `end ${deed} ${name}\n`)
}

for (let i = 0; ; i += 1) {
  const volume = (kind: string): VolumeRef => ({ id: kind, name: `volume-${kind}-${round}-${i}`, sizeGiB: 1 })
  const [blank, clone, copy] = [volume('blank'), volume('clone'), volume('copy')]
  const snapshot = { id: 's', name: `snapshot-${round}-${i}`, volume: base }
  await tell('create', blank.name, () => driver.create(blank))
  await tell('clone', clone.name, () => driver.clone(clone, base))
  await tell('snapshot', snapshot.name, () => driver.snapshot(snapshot))
  await tell('copy', copy.name, () => driver.createFromSnapshot(copy, snapshot))
  await tell('extend', clone.name, () => driver.extend(clone, 2))
  await tell('delete', blank.name, () => driver.delete(blank))
  if (driver.revert) await tell('revert', base.name, () => driver.revert!(snapshot))
  if (i % 2) await tell('deleteSnapshot', snapshot.name, () => driver.deleteSnapshot(snapshot))
}
