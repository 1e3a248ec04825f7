import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { suite } from '../suite.ts'

const { urls, dataFolder } = suite()
const token = (JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as { metrics: string }).metrics

const scrape = (url: string, headers: Record<string, string> = {}) =>
  fetch(new URL('/metrics', url), { headers: { connection: 'close', ...headers } })

test('no service gives metrics to an anonymous caller or for a wrong token', async () => {
  for (const url of Object.values(urls))
    for (const headers of [undefined, { authorization: 'Bearer wrong' }, { authorization: `Basic ${token}` }]) {
      const answer = await scrape(url, headers)
      expect([url, answer.status]).toEqual([url, 401])
      expect(await answer.text()).not.toContain('hearth_')
    }
})

test('who bears the token of secrets.json reads the metrics of every service', async () => {
  for (const url of Object.values(urls)) {
    const answer = await scrape(url, { authorization: `Bearer ${token}` })
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('hearth_http_request_seconds')])
  }
})

test('health checks and scrapes write nothing into the log, other requests do', async () => {
  const log = () => readFileSync(join(dataFolder, 'log', 'hearth.log'), 'utf8')
  for (const url of Object.values(urls)) {
    expect(await (await fetch(new URL('/healthcheck', url))).text()).toBe('OK')
    await scrape(url)
    await fetch(new URL('/seen-in-the-log', url))
  }
  await expect.poll(() => log().split('"path":"/seen-in-the-log"').length - 1).toBe(4)
  expect(log()).not.toMatch(/"path":"\/(healthcheck|metrics)"/)
})
