import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openCloud } from './cloud.ts'

/**
 * The process of the test of late body files, which may call the garbage collector: one device opens body files only
 * after uploads went on without it. Prints the status of the upload and the number of body files at the end.
 */
const cloud = await openCloud({ keepers: false })
const slow = cloud.storage.local[0]!
const { stage } = slow
const opened = Promise.withResolvers<void>()
slow.stage = async (hash, size) => {
  const late = await stage(hash, size)
  await sleep(1000)
  setImmediate(opened.resolve)
  return late
}
await cloud.call('PUT', '/c')
const { status } = await cloud.call('PUT', '/c/o', { body: randomBytes(100_000) })
console.log(`status ${status}`)
await opened.promise
for (let round = 0; round < 10; round++) {
  ;(globalThis as unknown as { gc(): void }).gc()
  await sleep(20)
}
const devices = ['sd1', 'sd2', 'sd3'].map((id) => join(cloud.folder, id, 'bodies'))
const files = devices.flatMap((path) => readdirSync(path, { recursive: true, withFileTypes: true }))
console.log(`files ${files.filter((entry) => entry.isFile()).length}`)
await cloud.close()
