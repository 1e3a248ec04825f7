import { has, holding, lists, type Row, type Targets } from './row.ts'

const patch = { headers: { 'content-type': 'application/openstack-images-v2.1-json-patch' } }
const change = (targets: Targets, title: string, op: string, status: number, value?: string): Row => ({
  title,
  service: 'image',
  method: 'PATCH',
  status,
  ask: (name) => ({
    path: `/images/${targets.image}`,
    body: JSON.stringify([{ op, path: `/${name}`, ...(value === undefined ? {} : { value }) }]),
    ...patch,
  }),
  ...(value === undefined || status !== 200 ? {} : { fits: ({ body }, name) => has(body, name, value) }),
})

export const imageRows = (targets: Targets): Row[] => [
  ...lists('image', ['/images', '/metadefs/namespaces'], (name) => `${name}=x`),
  ...['sort=NAME', 'sort_key=NAME', 'sort=NAME:asc', 'visibility=NAME', 'member_status=NAME', 'sort_dir=NAME'].map(
    (query): Row => ({
      title: `/images?${query}`,
      service: 'image',
      method: 'GET',
      status: 400,
      ask: (name) => ({ path: `/images?${query.replace('NAME', name)}` }),
    }),
  ),
  change(targets, 'a property replaced that was never set', 'replace', 409, 'x'),
  change(targets, 'a property removed that was never set', 'remove', 409),
  change(targets, 'a property added', 'add', 200, 'kept'),
  change(targets, 'a property replaced', 'replace', 200, 'new'),
  {
    title: 'images by property',
    service: 'image',
    method: 'GET',
    status: 200,
    ask: (name) => ({ path: `/images?${name}=new` }),
    fits: ({ body }, name) => body.images.length === 1 && has(body.images[0], name, 'new'),
  },
  change(targets, 'a property removed', 'remove', 200),
  change(targets, 'an operation', 'add', 200, 'again'),
  {
    title: 'an unknown operation',
    service: 'image',
    method: 'PATCH',
    status: 400,
    ask: (name) => ({
      path: `/images/${targets.image}`,
      body: JSON.stringify([{ op: name, path: '/name', value: 'x' }]),
      ...patch,
    }),
  },
  {
    title: 'an unknown operation in the old spelling',
    service: 'image',
    method: 'PATCH',
    status: 400,
    ask: (name) => ({
      path: `/images/${targets.image}`,
      body: JSON.stringify([holding(name, '/name', { value: 'x' })]),
      headers: { 'content-type': 'application/openstack-images-v2.0-json-patch' },
    }),
  },
  {
    title: 'a property of a new image',
    service: 'image',
    method: 'POST',
    status: 201,
    ask: (name) => ({ path: '/images', json: holding(name, 'kept', { name: 'with a property' }) }),
    fits: ({ body }, name) => has(body, name, 'kept'),
  },
  ...['images', 'schemas', 'metadefs/namespaces'].map(
    (path): Row => ({
      title: `/${path}/NAME`,
      service: 'image',
      method: 'GET',
      status: 404,
      ask: (name) => ({ path: `/${path}/${name}` }),
    }),
  ),
  ...[204, 204, 404].map(
    (status, turn): Row => ({
      title: ['a tag', 'a tag taken away', 'a tag taken away again'][turn]!,
      service: 'image',
      method: turn === 0 ? 'PUT' : 'DELETE',
      status,
      ask: (name) => ({ path: `/images/${targets.image}/tags/${name}` }),
    }),
  ),
  {
    title: 'an import method',
    service: 'image',
    method: 'POST',
    status: 400,
    ask: (name) => ({ path: `/images/${targets.image}/import`, json: { method: { name } } }),
  },
  {
    title: 'a store',
    service: 'image',
    method: 'PUT',
    status: 400,
    ask: (name) => ({
      path: `/images/${targets.image}/file`,
      body: 'bytes',
      headers: { 'content-type': 'application/octet-stream', 'x-image-meta-store': name },
    }),
  },
]
