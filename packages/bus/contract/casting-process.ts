import { appendFileSync } from 'node:fs'
import { silentLog } from '@hearth/core'
import { openDatabase } from '@hearth/database'
import { openBus, type Topic } from '../src/index.ts'

/**
 * A process made to be killed: `casting-process.ts <database> <bus> <journal> cast|drain`. Casts numbers and handles
 * them, noting each commit and each finished handler in the journal. `drain` only handles.
 */
const [databaseUrl, busUrl, journal, mode] = process.argv.slice(2) as [string, string, string, string]
const topic: Topic<{ n: string }> = { name: 'killed.cast', kind: 'cast', payload: { type: 'object' } }
const note = (line: string): void => appendFileSync(journal, `${line}\n`)

const database = await openDatabase(databaseUrl)
const bus = await openBus(busUrl, { database, log: silentLog, service: 'killed' })
await bus.serve(topic, journal, async ({ payload }) => {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
  note(`handled ${payload.n}`)
})
note(`up ${process.pid}`)

for (let n = 0; mode === 'cast'; n += 1) {
  const number = `${process.pid}.${n}`
  const context = { requestId: 'req-1', userId: null, projectId: null }
  await database.transaction((tx) => bus.cast(tx, topic, journal, { n: number }, context))
  note(`committed ${number}`)
  await new Promise((resolve) => setTimeout(resolve, 2))
}
