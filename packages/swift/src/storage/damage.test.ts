import { createHash, randomBytes } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type Cloud, openCloud } from '../fixture.ts'

let cloud: Cloud
afterEach(() => cloud.close())

async function filesOf(device: string): Promise<string[]> {
  const folder = join(cloud.folder, device, 'bodies')
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  return files.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

test('a damaged or missing replica is not noticed by the reader', async () => {
  cloud = await openCloud({ keepers: false })
  const body = randomBytes(3_500_000)
  await cloud.call('PUT', '/c')
  await cloud.call('PUT', '/c/o', { body })
  const read = async () =>
    createHash('md5')
      .update(Buffer.from(await (await cloud.call('GET', '/c/o')).arrayBuffer()))
      .digest('hex')
  const md5 = createHash('md5').update(body).digest('hex')
  for (const device of ['sd1', 'sd2']) {
    const [path = ''] = await filesOf(device)
    const bytes = await readFile(path)
    bytes[2_500_000]! ^= 1
    await writeFile(path, bytes)
    expect(await read()).toBe(md5)
  }
  const [path = ''] = await filesOf('sd1')
  await rm(path)
  expect(await read()).toBe(md5)
  const [last = ''] = await filesOf('sd3')
  await rm(last)
  // The first two MiB are good on sd2; then nobody has the rest, and the connection is cut.
  await expect(read()).rejects.toThrow()
})
