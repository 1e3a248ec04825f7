import { randomUUID } from 'node:crypto'
import { type Client, login, type Service } from '../client.ts'
import type { Place } from './target.ts'

/** Something that exists while requests are drawn, under a name that stands for its id. */
export interface Fixture {
  name: string
  as: 'admin' | 'demo'
  /** Path at which it is seen to exist, with `{name}` for its id. */
  at: string
  /** Returns its id; other fixtures are known by then. */
  make(client: Client, ids: Ids): Promise<string>
}

type Ids = ReadonlyMap<string, string>

export interface Fixtures {
  ids: Ids
  tokens: Record<'admin' | 'demo', string>
  /** Logs in again where a token has ended, and makes again what has been deleted. */
  refresh(): Promise<void>
  /** The text with every `{name}` replaced by its id. */
  fill(text: string): string
}

/** Makes all fixtures of a service. Throws when one cannot be made at the beginning. */
export async function openFixtures(place: Place, service: Service, fixtures: readonly Fixture[]): Promise<Fixtures> {
  const clients = { admin: await login(place.urls, place.admin), demo: await login(place.urls, place.demo) }
  const ids = new Map<string, string>()
  for (const name of ['admin', 'demo'] as const) {
    ids.set(`${name}Project`, clients[name].projectId)
    ids.set(`${name}User`, clients[name].userId)
    ids.set(`${name}Token`, clients[name].token)
  }
  const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => ids.get(name) ?? whole)
  const tokens = { admin: clients.admin.token, demo: clients.demo.token }
  const make = async (fixture: Fixture): Promise<void> => {
    ids.set(fixture.name, await fixture.make(clients[fixture.as], ids))
  }
  for (const fixture of fixtures) await make(fixture)
  return {
    ids,
    tokens,
    fill,
    async refresh() {
      for (const name of ['admin', 'demo'] as const) {
        const { status } = await clients[name].call('identity', 'GET', '/projects?limit=1')
        if (status === 401) clients[name] = await login(place.urls, place[name])
        tokens[name] = clients[name].token
      }
      for (const fixture of fixtures) {
        const { status } = await clients[fixture.as].call(service, 'GET', fill(fixture.at))
        // What a quota or a state forbids for now stays missing until the next time.
        if (status === 404) await make(fixture).catch(() => undefined)
      }
    },
  }
}

/** A fixture made by one POST; `wrap` is the member of body and answer that holds it, '' for none. */
export function posted(
  fixture: Omit<Fixture, 'make'> & { service: Service; to: string; wrap: string; version?: string },
  json: (ids: Ids) => Record<string, unknown>,
): Fixture {
  const { service, to, wrap, version, ...rest } = fixture
  return {
    ...rest,
    async make(client, ids) {
      const path = to.replace(/\{(\w+)\}/g, (_, name: string) => ids.get(name)!)
      const body = wrap === '' ? json(ids) : { [wrap]: json(ids) }
      const answer = await client.must(service, 'POST', path, { json: body, ...(version ? { version } : {}) })
      return (wrap === '' ? answer.body : answer.body[wrap]).id
    },
  }
}

/** A name nobody else has. */
export const freshName = (): string => `fuzz-${randomUUID().slice(0, 8)}`
