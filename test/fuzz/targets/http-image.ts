import { routes } from '@hearth/glance'
import { type Fixture, freshName, openFixtures } from '../fixtures.ts'
import { httpSession } from '../http-session.ts'
import { type Grammar, generalHeaders, requestsOf } from '../requests.ts'
import type { Row } from '../row.ts'
import { define } from '../target.ts'

const image = (name: string, as: Fixture['as'], bytes: string | null): Fixture => ({
  ...{ name, as, at: `/images/{${name}}` },
  async make(client) {
    const json = { name: freshName(), disk_format: 'raw', container_format: 'bare', tags: ['a'], os_type: 'linux' }
    const { id } = (await client.must('image', 'POST', '/images', { json })).body
    const headers = { 'content-type': 'application/octet-stream' }
    if (bytes !== null) await client.must('image', 'PUT', `/images/${id}/file`, { body: bytes, headers })
    return id
  },
})

const fixtures: Fixture[] = [
  image('queued', 'demo', null),
  image('image', 'demo', 'bytes of the image '.repeat(100)),
  image('adminImage', 'admin', 'of the admin'),
  {
    ...{ name: 'namespace', as: 'admin', at: '/metadefs/namespaces/{namespace}' },
    async make(client) {
      const namespace = freshName()
      const base = `/metadefs/namespaces/${namespace}`
      await client.must('image', 'POST', '/metadefs/namespaces', { json: { namespace, visibility: 'public' } })
      await client.must('image', 'POST', `${base}/objects`, { json: { name: 'object' } })
      await client.must('image', 'POST', `${base}/tags/tag`)
      const property = { name: 'property', title: 'p', type: 'string' }
      await client.must('image', 'POST', `${base}/properties`, { json: property })
      return namespace
    },
  },
]

const patches = [
  'application/openstack-images-v2.1-json-patch',
  'application/openstack-images-v2.1-json-patch',
  'application/openstack-images-v2.0-json-patch',
]

const grammar: Grammar = {
  rows: routes as readonly Row[],
  prefixes: ['/v2', '/v2', '/v2.17'],
  fits: {
    ...{ images: ['image', 'queued', 'adminImage'], members: ['adminProject'], namespaces: ['namespace'] },
    ...{ cache: ['image'], image_id: ['image'] },
  },
  queryKeys: [
    ...[
      'limit',
      'marker',
      'sort',
      'sort_key',
      'sort_dir',
      'name',
      'status',
      'visibility',
      'owner',
      'member_status',
      'tag',
    ],
    ...['size_min', 'size_max', 'protected', 'os_hidden', 'disk_format', 'created_at', 'updated_at', 'checksum', 'id'],
    ...['os_hash_value', 'resource_types', 'type', 'os_type', 'min_ram', 'virtual_size', 'prefix'],
  ],
  queryValues: [
    ...[
      '{image}',
      'all',
      'public',
      'shared',
      'accepted',
      'true',
      'asc',
      'desc',
      'name:asc',
      'created_at',
      'in:a,"b,c"',
      'in:"',
    ],
    ...['gt:2020-01-01T00:00:00Z', 'lt:x', '{adminImage}', 'active', '10'],
  ],
  headers: [
    ...generalHeaders,
    ['content-type', [...patches, 'application/octet-stream']],
    ['content-type', patches],
    ['x-image-meta-store', ['file', 'x', '']],
    ['x-image-meta-size', ['1', '-1', 'x', '99999999999999999999']],
    ['content-range', ['bytes 0-0/1', 'bytes */*', 'x']],
    ['x-openstack-image-size', ['1', '0', '-1', 'x']],
  ],
  members: [
    ...[
      'op',
      'path',
      'value',
      'add',
      'replace',
      'remove',
      'name',
      'visibility',
      'protected',
      'tags',
      'min_disk',
      'min_ram',
    ],
    ...[
      'disk_format',
      'container_format',
      'os_hidden',
      'id',
      'owner',
      'status',
      'size',
      'locations',
      'url',
      'metadata',
    ],
    ...[
      'validation_data',
      'os_hash_algo',
      'os_hash_value',
      'checksum',
      'member',
      'method',
      'uri',
      'stores',
      'all_stores',
    ],
    ...[
      'all_stores_must_succeed',
      'input',
      'import_from',
      'import_from_format',
      'image_properties',
      'type',
      'glance_region',
    ],
    ...[
      'glance_image_id',
      'glance_service_interface',
      'namespace',
      'display_name',
      'description',
      'objects',
      'properties',
    ],
    ...[
      'resource_type_associations',
      'prefix',
      'properties_target',
      'required',
      'title',
      'items',
      'enum',
      'default',
      'schema',
    ],
  ],
}

export const target = define({
  surface: 'suite',
  memoryMiB: 600,
  async open(place) {
    const opened = await openFixtures(place!, 'image', fixtures)
    return httpSession(requestsOf(grammar), {
      url: place!.urls.image,
      fixtures: opened,
      adminOnly: ['adminImage'],
      checkError(answer) {
        const text = answer.body.toString()
        if (answer.headers.get('content-type')?.includes('json')) {
          const { code, title } = JSON.parse(text) as Record<string, unknown>
          if (!String(code).startsWith(`${answer.status} `) || typeof title !== 'string')
            throw new Error('no code and title')
        } else if (!text.includes(`<title>${answer.status} `)) throw new Error('no page with the status as its title')
      },
    })
  },
})
