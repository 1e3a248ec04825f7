import { createHmac } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import { type Client, freshClient } from '../client.ts'
import { suite } from '../suite.ts'
import { residentMiB } from './memory.ts'
import { dial, head, hear, pump } from './raw.ts'
import { longestHealthMs, watchHealth } from './watch.ts'

const mebibyte = 2 ** 20
const mostMiB = 150
const key = 'secret'
const at = Math.floor(Date.now() / 1000) + 1000

let owner: Client
beforeAll(async () => {
  owner = await freshClient(suite().urls, suite().admin)
  await owner.must('object', 'POST', '', { headers: { 'x-account-meta-temp-url-key': key } })
  await owner.must('object', 'PUT', '/c')
})

const account = () => `AUTH_${owner.projectId}`

/** Posts a form as nobody: what it begins with, then `more` until `total` bytes are sent or the response is there. */
async function post(path: string, begin: string, more = Buffer.alloc(0), total = 0): Promise<string> {
  const socket = await dial(suite().urls.object)
  const length = begin.length + total
  const headers = ['Content-Type: multipart/form-data; boundary=xyz', `Content-Length: ${length}`]
  socket.write(head(`POST ${path}`, ...headers))
  let answer = ''
  const heard = hear(socket, /\r\n\r\n./).then((text) => {
    answer = text
  })
  await pump(socket, begin)
  for (let sent = 0; sent < total && answer === ''; sent += more.length) if (!(await pump(socket, more))) break
  await heard
  socket.destroy()
  return answer
}

async function withstand<T>(attack: () => Promise<T>): Promise<T> {
  const before = residentMiB(suite().pid)
  let most = 0
  const timer = setInterval(() => {
    most = Math.max(most, residentMiB(suite().pid) - before)
  }, 200)
  try {
    const { result, slowest } = await watchHealth(attack)
    expect(Math.max(...Object.values(slowest))).toBeLessThan(longestHealthMs)
    return result
  } finally {
    clearInterval(timer)
    expect(most).toBeLessThan(mostMiB)
  }
}

const part = (name: string, value: string, filename?: string): string =>
  `--xyz\r\nContent-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}\r\n\r\n${value}\r\n`

function signed(redirect = ''): string {
  const text = `/v1/${account()}/c/\n${redirect}\n100\n1\n${at}`
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const fields = { redirect, max_file_size: '100', max_file_count: '1', expires: String(at), signature }
  return Object.entries(fields)
    .map(([name, value]) => part(name, value))
    .join('')
}

const zeros = Buffer.alloc(mebibyte)

test('800 MiB without the boundary are refused unread, with and without an account', async () => {
  const path = `/v1/${account()}/c/`
  const answers = await withstand(async () => [
    await post('/v1/AUTH_nobody/none', '', zeros, 800 * mebibyte),
    await post(path, '', zeros, 800 * mebibyte),
  ])
  expect(answers[0]).toMatch(/^HTTP\/1.1 401 /)
  expect(answers[1]).toMatch(/^HTTP\/1.1 400 [\s\S]*FormPost: invalid starting boundary/)
})

test('headers of a part that never end are refused', async () => {
  const more = Buffer.alloc(mebibyte, 'x')
  const answer = await withstand(() => post(`/v1/${account()}/c/`, '--xyz\r\nX-A: ', more, 300 * mebibyte))
  expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*FormPost: the headers of a part are too long/)
})

test('a million fields are refused after a hundred', async () => {
  const more = Buffer.from(part('a', '1').repeat(10_000))
  const answer = await withstand(() => post(`/v1/${account()}/c/`, '', more, 100 * more.length))
  expect(answer).toMatch(/^HTTP\/1.1 400 [\s\S]*more than 100 fields/)
})

test('nobody is sent to a place that was not signed', async () => {
  const evil = part('redirect', 'https://evil.example/')
  const file = part('file', 'data', 'one')
  for (const form of [evil, evil + file, signed() + evil + file]) {
    const answer = await post(`/v1/${account()}/c/`, `${form}--xyz--\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 40[01] /)
    expect(answer).not.toMatch(/\r\nLocation:/i)
  }
  const good = `${signed('https://good.example/')}${file}--xyz--\r\n`
  expect(await post(`/v1/${account()}/c/`, good)).toMatch(
    /^HTTP\/1.1 303 [\s\S]*\r\nLocation: https:\/\/good.example\//,
  )
})
