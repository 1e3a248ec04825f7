import { expect, test } from 'vitest'
import { login } from '../client.ts'
import { suite } from '../suite.ts'
import { residentMiB } from './memory.ts'
import { longestHealthMs, watchHealth } from './watch.ts'

const urls = suite().urls
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

async function targets(): Promise<{ url: string; token?: string }[]> {
  const { token, projectId } = await login(urls, suite().demo)
  return [
    { url: `${urls.identity}/auth/tokens` },
    { url: `${urls.volume}/${projectId}/volumes`, token },
    { url: `${urls.volume}/${projectId}/volumes/x/action`, token },
    { url: `${urls.image}/v2/images`, token },
  ]
}

const post = ({ url, token }: { url: string; token?: string }, body: string) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { 'x-auth-token': token } : {}) },
    body,
  })

test('JSON nested 55,000 levels deep is 400 at every service, and nobody waits', async () => {
  const { slowest } = await watchHealth(async () => {
    for (const target of await targets())
      for (const body of [nested(55_000), '{"a":'.repeat(18_000), `{"volume":${nested(50_000)}}`]) {
        const response = await post(target, body)
        expect(response.status, target.url).toBe(400)
        expect(await response.text()).not.toMatch(/RangeError|call stack/)
      }
  })
  expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
})

test.each([
  ['nested', nested(1_900_000)],
  ['a list of lists', `[${'[],'.repeat(1_300_000)}[]]`],
  ['an object of many members', `{${Array.from({ length: 250_000 }, (_, n) => `"key${n}":1`).join(',')}}`],
])(
  'a body of almost 4 MB, %s, is refused at the image service while the others respond and memory stays',
  async (_name, body) => {
    const target = (await targets()).at(-1)!
    const before = residentMiB(suite().pid)
    const { slowest } = await watchHealth(async () => {
      for (let round = 0; round < 5; round += 1) {
        const response = await post(target, body)
        expect([400, 413]).toContain(response.status)
        expect((await response.text()).length).toBeLessThan(20_000)
      }
    })
    expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
    expect(residentMiB(suite().pid) - before).toBeLessThan(400)
  },
)
