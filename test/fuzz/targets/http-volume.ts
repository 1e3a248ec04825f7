import { randomUUID } from 'node:crypto'
import { routes } from '@hearth/cinder'
import { waitForStatus } from '../../client.ts'
import { type Fixture, freshName, openFixtures, posted } from '../fixtures.ts'
import { httpSession } from '../http-session.ts'
import { type Grammar, generalHeaders, requestsOf } from '../requests.ts'
import type { Row } from '../row.ts'
import { define } from '../target.ts'

const by = (name: string, as: Fixture['as'], path: string, wrap: string, json: Parameters<typeof posted>[1]): Fixture =>
  posted({ name, as, service: 'volume', at: `${path}/{${name}}`, to: path, wrap, version: '3.71' }, json)

/** The same, once it has become available. */
const whole = (fixture: Fixture): Fixture => ({
  ...fixture,
  async make(client, ids) {
    const id = await fixture.make(client, ids)
    await waitForStatus(client, fixture.at.replace(/\{\w+\}/, id), 'available').catch(() => undefined)
    return id
  },
})

const named = () => ({ name: freshName() })
const volume = (name: string, as: Fixture['as'] = 'demo'): Fixture =>
  whole(by(name, as, '/volumes', 'volume', () => ({ ...named(), size: 1 })))

const fixtures: Fixture[] = [
  volume('volume'),
  volume('given'),
  volume('adminVolume', 'admin'),
  whole(by('snapshot', 'demo', '/snapshots', 'snapshot', (ids) => ({ ...named(), volume_id: ids.get('volume') }))),
  whole(
    by('adminSnapshot', 'admin', '/snapshots', 'snapshot', (ids) => ({
      ...named(),
      volume_id: ids.get('adminVolume'),
    })),
  ),
  whole(by('backup', 'demo', '/backups', 'backup', (ids) => ({ ...named(), volume_id: ids.get('volume') }))),
  by('transfer', 'demo', '/volume-transfers', 'transfer', (ids) => ({ ...named(), volume_id: ids.get('given') })),
  by('attachment', 'demo', '/attachments', 'attachment', (ids) => ({
    ...{ volume_uuid: ids.get('volume'), instance_uuid: randomUUID() },
  })),
  by('type', 'admin', '/types', 'volume_type', named),
  by('groupType', 'admin', '/group_types', 'group_type', named),
  by('group', 'demo', '/groups', 'group', (ids) => ({
    ...{ ...named(), group_type: ids.get('groupType'), volume_types: [ids.get('type')] },
  })),
  by('qos', 'admin', '/qos-specs', 'qos_specs', named),
]

const grammar: Grammar = {
  rows: routes as readonly Row[],
  prefixes: ['/v3', '/v3/{adminProject}', '/v3/{demoProject}'],
  fits: {
    ...{ volumes: ['volume', 'volume', 'adminVolume', 'given'], snapshots: ['snapshot', 'adminSnapshot'] },
    ...{ backups: ['backup'], 'volume-transfers': ['transfer'], 'os-volume-transfer': ['transfer'] },
    ...{
      attachments: ['attachment'],
      types: ['type'],
      group_types: ['groupType'],
      groups: ['group'],
      'qos-specs': ['qos'],
    },
    ...{ 'os-quota-sets': ['demoProject', 'adminProject'], project: ['demoProject'], id: ['volume', 'snapshot'] },
  },
  queryKeys: [
    ...[
      'limit',
      'offset',
      'marker',
      'sort',
      'sort_key',
      'sort_dir',
      'name',
      'name~',
      'status',
      'status~',
      'metadata',
      'id',
    ],
    ...['all_tenants', 'with_count', 'created_at', 'updated_at', 'bootable', 'availability_zone', 'project_id', 'host'],
    ...[
      'consumes_quota',
      'is_public',
      'extra_specs',
      'usage',
      'default',
      'cascade',
      'force',
      'binary',
      'volume_id',
      'detail',
    ],
    ...[
      'resource',
      'group_id',
      'user_id',
      'migration_status',
      'changes-since',
      'instance_id',
      'attach_status',
      'list_volume',
    ],
  ],
  queryValues: [
    ...['{volume}', '{snapshot}', 'true', '1', '', 'id:asc', 'name:desc,size', 'created_at', 'available', 'volume'],
    ...["{'a': 'b'}", "{'a': {'b': 1}}", '{"a":"b"}', 'gt:2020-01-01T00:00:00', 'lt:x,gte:2020-01-01', 'in:a,b'],
  ],
  headers: [
    ...generalHeaders,
    [
      'openstack-api-version',
      [
        'volume 3.0',
        'volume 3.71',
        'volume latest',
        'volume 3.44',
        'volume 3.27',
        'volume 4.0',
        'compute 2.1',
        'volume',
        ',',
      ],
    ],
    ['openstack-api-version', ['volume 3.71', 'volume 3.71', 'volume 3.60', 'volume 3.13', 'volumev3 3.68']],
  ],
  members: [
    ...[
      'volume',
      'name',
      'display_name',
      'description',
      'size',
      'metadata',
      'volume_type',
      'snapshot_id',
      'source_volid',
    ],
    ...[
      'imageRef',
      'image_id',
      'availability_zone',
      'multiattach',
      'scheduler_hints',
      'consistencygroup_id',
      'new_size',
    ],
    ...[
      'volume_id',
      'force',
      'backup',
      'container',
      'incremental',
      'connector',
      'mode',
      'instance_uuid',
      'volume_uuid',
    ],
    ...['mountpoint', 'host_name', 'attachment_id', 'status', 'attach_status', 'migration_status', 'new_type', 'host'],
    ...[
      'migration_policy',
      'bootable',
      'readonly',
      'image_name',
      'disk_format',
      'container_format',
      'visibility',
      'protected',
    ],
    ...[
      'extra_specs',
      'is_public',
      'os-volume-type-access:is_public',
      'quota_set',
      'volumes',
      'gigabytes',
      'snapshots',
    ],
    ...['tenant_id', 'key', 'value', 'consumer', 'encryption', 'provider', 'cipher', 'key_size', 'control_location'],
    ...[
      'auth_key',
      'no_snapshots',
      'cluster',
      'binary',
      'service',
      'levels',
      'level',
      'prefix',
      'server',
      'ref',
      'project',
    ],
    ...[
      'group_type',
      'volume_types',
      'group_snapshot_id',
      'source_group_id',
      'add_volumes',
      'remove_volumes',
      'group_specs',
    ],
    ...['initiator', 'ip', 'platform', 'os_type', 'reason', 'record', 'backup_url', 'backup_service', 'default_type'],
  ],
}

export const target = define({
  surface: 'suite',
  memoryMiB: 600,
  async open(place) {
    const opened = await openFixtures(place!, 'volume', fixtures)
    return httpSession(requestsOf(grammar), {
      url: place!.urls.volume,
      fixtures: opened,
      adminOnly: ['adminVolume', 'adminSnapshot'],
      checkError(answer) {
        const body = JSON.parse(answer.body.toString()) as Record<string, { code: number; message: string }>
        const [fault, ...more] = Object.values(body)
        if (more.length > 0 || fault?.code !== answer.status || typeof fault.message !== 'string')
          throw new Error('no single fault with code and message')
      },
    })
  },
})
