import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { login } from '../client.ts'
import { suite } from '../suite.ts'

const { urls, demo } = suite()

/** Sends a request with these lines after the first; the whole answer as text. */
function raw(url: string, path: string, lines: string[]): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () =>
      socket.write([`GET ${path} HTTP/1.1`, ...lines, 'Connection: close', '', ''].join('\r\n')),
    )
    socket.setTimeout(10_000, () => socket.destroy(new Error('no answer in time')))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
  })
}

const places = { identity: '/v3', volume: '/', image: '/', object: '/v1/AUTH_x' }

test('a Host header that is no host is refused by every service', async () => {
  for (const [service, path] of Object.entries(places))
    for (const host of ['a"><script>', 'user:password@evil.example', 'evil.example/path', 'x'.repeat(300)]) {
      const answer = await raw(urls[service as keyof typeof places], path, [`Host: ${host}`])
      expect([service, host, answer.slice(0, 12)]).toEqual([service, host, 'HTTP/1.1 400'])
      expect(answer).not.toContain('script>')
    }
})

test('a stranger cannot make links lead elsewhere by the headers of a proxy', async () => {
  const headers = [
    'X-Forwarded-Host: evil.example',
    'X-Forwarded-Proto: https',
    'Forwarded: host=evil.example;proto=https',
  ]
  for (const [service, path] of Object.entries(places)) {
    const base = urls[service as keyof typeof places]
    const answer = await raw(base, path, [`Host: ${new URL(base).host}`, ...headers])
    expect([service, answer.includes('evil.example')]).toEqual([service, false])
  }
  const client = await login(urls, demo)
  const volume = { volume: { size: 1, name: 'linked' } }
  const { body } = await client.must('volume', 'POST', '/volumes', {
    json: volume,
    headers: { 'x-forwarded-host': 'evil.example' },
  })
  expect(JSON.stringify(body.volume.links)).not.toContain('evil.example')
})
