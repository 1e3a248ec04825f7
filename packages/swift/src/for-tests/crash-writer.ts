import { createHash, randomBytes } from 'node:crypto'
import { openCloud } from './cloud.ts'

/**
 * The process that the crash test kills. Writes, overwrites and deletes objects in the given folder, and prints a line
 * for each response: `put <name> <md5>` or `delete <name>`.
 */
const [folder = ''] = process.argv.slice(2)
const cloud = await openCloud({ folder })
await cloud.call('PUT', '/crash')
console.log('ready')

async function client(number: number): Promise<never> {
  for (let round = 0; ; round++) {
    const name = `${number}-${round % 20}`
    const body = randomBytes(round % 3 === 0 ? 100_000 : 2000)
    console.log(`try ${name}`)
    if (round % 7 === 6) {
      const { status } = await cloud.call('DELETE', `/crash/${name}`)
      if (status === 204 || status === 404) console.log(`delete ${name}`)
      continue
    }
    const { status } = await cloud.call('PUT', `/crash/${name}`, { body })
    if (status === 201) console.log(`put ${name} ${createHash('md5').update(body).digest('hex')}`)
  }
}
await Promise.all(Array.from({ length: 8 }, (_, number) => client(number)))
