import { has, holding, lists, type Row, type Targets } from './row.ts'

export const volumeLists = [
  '/volumes',
  '/volumes/detail',
  '/snapshots',
  '/backups',
  '/attachments',
  '/groups',
  '/messages',
]
export const newest = { version: '3.70' }
/** An item of some metadata: absent, set, read, listed, and taken away again. */
export const item = (title: string, path: () => string, key: string): Row[] => [
  {
    title: `${title}: one never set`,
    service: 'volume',
    method: 'GET',
    status: 404,
    ask: (name) => ({ path: `${path()}/${name}` }),
  },
  {
    title: `${title}: set together with others`,
    service: 'volume',
    method: 'POST',
    status: 200,
    ask: (name) => ({ path: path(), json: { [key]: holding(name, 'kept') } }),
    fits: ({ body }, name) => has(body[key], name, 'kept'),
  },
  {
    title: `${title}: set alone`,
    service: 'volume',
    method: 'PUT',
    status: 200,
    ask: (name) => ({
      path: `${path()}/${name}`,
      json: key === 'metadata' ? { meta: holding(name, 'new') } : holding(name, 'new'),
    }),
  },
  {
    title: `${title}: listed`,
    service: 'volume',
    method: 'GET',
    status: 200,
    ask: () => ({ path: path() }),
    fits: ({ body }, name) => has(body[key], name, 'new'),
  },
  {
    title: `${title}: read`,
    service: 'volume',
    method: 'GET',
    status: 200,
    ask: (name) => ({ path: `${path()}/${name}` }),
    fits: ({ body }, name) => has(key === 'metadata' ? body.meta : body, name, 'new'),
  },
]
export const taken = (title: string, path: () => string, status: number, again: number): Row[] =>
  [status, again].map((expected) => ({
    title: `${title}: taken away${expected === again ? ' again' : ''}`,
    service: 'volume',
    method: 'DELETE',
    status: expected,
    ask: (name) => ({ path: `${path()}/${name}` }),
  }))

export const volumeRows = (targets: Targets): Row[] => [
  ...lists('volume', volumeLists, (name) => `${name}=x`, { version: '3.30' }),
  ...volumeLists.flatMap((path): Row[] =>
    ['sort=NAME', 'sort_key=NAME', 'sort=NAME:asc'].map((query) => ({
      title: `${path}?${query}`,
      service: 'volume',
      method: 'GET',
      status: 400,
      ask: (name) => ({ path: `${path}?${query.replace('NAME', name)}`, ...newest }),
    })),
  ),
  {
    title: 'an action',
    service: 'volume',
    method: 'POST',
    status: 400,
    ask: (name) => ({ path: `/volumes/${targets.volume}/action`, json: holding(name, {}) }),
  },
  {
    title: 'a microversion',
    service: 'volume',
    method: 'GET',
    status: 400,
    ask: (name) => ({ path: '/volumes', version: name }),
  },
  ...item('volume metadata', () => `/volumes/${targets.volume}/metadata`, 'metadata'),
  ...item('snapshot metadata', () => `/snapshots/${targets.snapshot}/metadata`, 'metadata'),
  {
    title: 'metadata in the details of a volume',
    service: 'volume',
    method: 'GET',
    status: 200,
    ask: () => ({ path: `/volumes/${targets.volume}` }),
    fits: ({ body }, name) => has(body.volume.metadata, name, 'new'),
  },
  {
    title: 'metadata in the summary',
    service: 'volume',
    method: 'GET',
    status: 200,
    ask: () => ({ path: '/volumes/summary', ...newest }),
    fits: ({ body }, name) => Object.hasOwn(body['volume-summary'].metadata, name),
  },
  ...['volumes', 'snapshots'].flatMap((path): Row[] =>
    ['new', 'other'].map((value) => ({
      title: `/${path} by metadata of value ${value}`,
      service: 'volume',
      method: 'GET',
      status: 200,
      ask: (name) => ({ path: `/${path}?metadata=${encodeURIComponent(`{'${name}': '${value}'}`)}`, ...newest }),
      fits: ({ body }) => body[path].length === (value === 'new' ? 1 : 0),
    })),
  ),
  ...taken('volume metadata', () => `/volumes/${targets.volume}/metadata`, 200, 404),
  ...taken('snapshot metadata', () => `/snapshots/${targets.snapshot}/metadata`, 200, 404),
  {
    title: 'image metadata of a volume',
    service: 'volume',
    method: 'POST',
    status: 200,
    ask: (name) => ({
      path: `/volumes/${targets.volume}/action`,
      json: { 'os-set_image_metadata': { metadata: holding(name, 'kept') } },
    }),
    fits: ({ body }, name) => has(body.metadata, name, 'kept'),
  },
  {
    title: 'image metadata taken away',
    service: 'volume',
    method: 'POST',
    status: 200,
    ask: (name) => ({
      path: `/volumes/${targets.volume}/action`,
      json: { 'os-unset_image_metadata': { key: name } },
    }),
  },
  {
    title: 'a field of a volume',
    service: 'volume',
    method: 'POST',
    status: 400,
    ask: (name) => ({ path: '/volumes', json: { volume: holding(name, 'x', { size: 1 }) }, ...newest }),
  },
  ...['volumes', 'snapshots', 'backups', 'attachments', 'groups', 'messages', 'types', 'extensions'].map(
    (path): Row => ({
      title: `/${path}/NAME`,
      service: 'volume',
      method: 'GET',
      status: 404,
      ask: (name) => ({ path: `/${path}/${name}`, ...newest }),
    }),
  ),
]
