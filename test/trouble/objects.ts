import { createHash } from 'node:crypto'
import type { Caller, Outcome } from './caller.ts'
import type { Random } from './random.ts'

const absent = 'absent'
const mostNames = 40
const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex')

/** A client of one container that knows which content each of its objects may have. */
export interface ObjectClient {
  prepare(): Promise<void>
  step(): Promise<void>
  /** Returns what is wrong, now that the suite is at rest and whole. */
  check(): Promise<string[]>
}

/**
 * An acknowledged write leaves one possible content; a write whose reply was lost, or that failed, may or may not
 * have taken effect, so it adds its content to the possible ones until the next acknowledged write.
 */
export function openObjectClient(caller: Caller, random: Random, container: string): ObjectClient {
  const possible = new Map<string, Set<string>>()
  const path = (name: string): string => `/${container}/${encodeURIComponent(name)}`
  const of = (name: string): Set<string> => possible.get(name) ?? new Set([absent])
  const note = (name: string, content: string, acknowledged: boolean): void => {
    possible.set(name, acknowledged ? new Set([content]) : new Set([...of(name), content]))
  }
  const size = (): number => {
    const kind = random.next()
    return kind < 0.7 ? random.below(16 * 1024) : kind < 0.96 ? random.below(256 * 1024) : random.below(3 * 2 ** 20)
  }

  const put = async (name: string): Promise<void> => {
    const body = random.bytes(size())
    // Noted before it is sent: a check that runs before the reply must allow it.
    note(name, md5(body), false)
    const reply = await caller.call('object', 'PUT', path(name), { body })
    if (reply && reply.status === 201) note(name, md5(body), true)
  }
  const remove = async (name: string): Promise<void> => {
    note(name, absent, false)
    const reply = await caller.call('object', 'DELETE', path(name))
    if (reply && reply.status === 204) note(name, absent, true)
  }

  return {
    async prepare() {
      for (let attempt = 0; attempt < 50; attempt++) {
        const reply = await caller.call('object', 'PUT', `/${container}`)
        if (reply && reply.status < 300) return
        await new Promise((done) => setTimeout(done, 200))
      }
      throw new Error(`container ${container} cannot be made`)
    },
    async step() {
      const name = `object ${random.below(mostNames)}`
      const kind = random.next()
      if (kind < 0.5) return put(name)
      if (kind < 0.6) return remove(name)
      if (kind < 0.65) await caller.call('object', 'GET', `/${container}?format=json`)
      else await caller.call('object', 'GET', path(name))
    },
    async check() {
      const wrong: string[] = []
      for (const [name, contents] of possible) {
        const reply = await caller.call('object', 'GET', path(name), { headers: { 'x-newest': 'true' } })
        const found = contentOf(reply)
        if (!contents.has(found)) wrong.push(`${container}/${name} is ${found}, expected ${[...contents].join(' or ')}`)
        else possible.set(name, new Set([found]))
      }
      if (wrong.length === 0) wrong.push(...(await checkListing(caller, container, possible)))
      return wrong
    },
  }
}

function contentOf(reply: Outcome): string {
  if (!reply) return 'no reply'
  return reply.status === 200 ? md5(reply.bytes) : reply.status === 404 ? absent : `status ${reply.status}`
}

const listingSeconds = 60

/** Listings may lag behind; within a minute they name exactly the objects that are there. */
async function checkListing(caller: Caller, container: string, known: Map<string, Set<string>>): Promise<string[]> {
  const expected = new Map([...known].map(([name, [content]]) => [name, content!] as const))
  for (const [name, content] of expected) if (content === absent) expected.delete(name)
  const deadline = Date.now() + listingSeconds * 1000
  for (;;) {
    const reply = await caller.call('object', 'GET', `/${container}?format=json`)
    const listed: { name: string; hash: string }[] =
      reply?.status === 200 ? (JSON.parse(reply.bytes.toString()) as { name: string; hash: string }[]) : []
    const found = new Map(listed.map((row) => [row.name, row.hash]))
    const wrong = [...new Set([...found.keys(), ...expected.keys()])].filter(
      (name) => found.get(name) !== expected.get(name),
    )
    if (reply?.status === 200 && wrong.length === 0) return []
    if (Date.now() > deadline)
      return [`the listing of ${container} (status ${reply?.status}) is wrong about ${wrong.slice(0, 5).join(', ')}`]
    await new Promise((done) => setTimeout(done, 500))
  }
}
