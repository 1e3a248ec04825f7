import { randomUUID } from 'node:crypto'
import { routes } from '@hearth/keystone'
import { type Fixture, freshName, openFixtures, posted } from '../fixtures.ts'
import { httpSession } from '../http-session.ts'
import { type Grammar, generalHeaders, type Request, requestsOf } from '../requests.ts'
import type { Row } from '../row.ts'
import { define } from '../target.ts'

const by = (name: string, path: string, wrap: string, json: Parameters<typeof posted>[1], to = path): Fixture =>
  posted({ name, as: 'admin', service: 'identity', at: `${path}/{${name}}`, to, wrap }, json)

const named = () => ({ name: freshName() })

const fixtures: Fixture[] = [
  by('user', '/users', 'user', () => ({ ...named(), password: randomUUID() })),
  by('group', '/groups', 'group', named),
  by('project', '/projects', 'project', named),
  by('domain', '/domains', 'domain', named),
  by('role', '/roles', 'role', named),
  by('otherRole', '/roles', 'role', named),
  by('service', '/services', 'service', () => ({ ...named(), type: 'fuzz' })),
  by('region', '/regions', 'region', () => ({ description: 'fuzz' })),
  by('endpoint', '/endpoints', 'endpoint', (ids) => ({
    ...{ service_id: ids.get('service'), interface: 'public', url: 'http://127.0.0.1:1/' },
  })),
  by('credential', '/credentials', 'credential', (ids) => ({
    ...{ user_id: ids.get('user'), type: 'cert', blob: '{}' },
  })),
  by('policy', '/policies', 'policy', () => ({ blob: '{}', type: 'application/json' })),
]

const applicationCredential = posted(
  {
    ...{ name: 'applicationCredential', as: 'demo', service: 'identity', wrap: 'application_credential' },
    at: '/users/{demoUser}/application_credentials/{applicationCredential}',
    to: '/users/{demoUser}/application_credentials',
  },
  named,
)

const members = [
  ...[
    'auth',
    'identity',
    'methods',
    'password',
    'token',
    'scope',
    'project',
    'domain',
    'user',
    'id',
    'name',
    'enabled',
  ],
  ...[
    'description',
    'options',
    'domain_id',
    'parent_id',
    'default_project_id',
    'email',
    'tags',
    'role',
    'type',
    'blob',
  ],
  ...['interface', 'url', 'region', 'region_id', 'service_id', 'service', 'endpoint', 'credential', 'trust', 'roles'],
  ...['trustor_user_id', 'trustee_user_id', 'impersonation', 'expires_at', 'remaining_uses', 'allow_redelegation'],
  ...['original_password', 'secret', 'access_rules', 'unrestricted', 'is_domain', 'system', 'all', 'totp', 'passcode'],
  ...['resource_name', 'default_limit', 'resource_limit', 'limits', 'registered_limits', 'config', 'filters', 'links'],
  ...['access', 'signature', 'host', 'verb', 'path', 'params', 'headers', 'body_hash', 'credentials', 'ec2Credentials'],
]

/** Rows that would end the caller's own token or account. */
const skip = (row: Row): boolean => row.path === '/auth/tokens' && row.method === 'DELETE'

/** Disables or deletes the user that the targets of all services log in as. */
const spares = ({ method, url }: Request): boolean =>
  ['PATCH', 'DELETE'].includes(method) && /\/users\/\{demoUser\}[^a-z]*(\.json)?(\?|$)/.test(url)

const grammar: Grammar = {
  rows: routes as readonly Row[],
  prefixes: ['/v3', '/v3', '/v3', '/identity/v3'],
  fits: {
    ...{ users: ['user', 'user', 'demoUser'], groups: ['group'], projects: ['project'], domains: ['domain'] },
    ...{ roles: ['role', 'otherRole'], services: ['service'], regions: ['region'], endpoints: ['endpoint'] },
    ...{ credentials: ['credential'], policies: ['policy'], implies: ['otherRole'] },
    application_credentials: ['applicationCredential'],
  },
  queryKeys: [
    ...[
      'name',
      'name__contains',
      'name__icontains',
      'name__startswith',
      'domain_id',
      'enabled',
      'limit',
      'marker',
      'type',
    ],
    ...[
      'user.id',
      'group.id',
      'role.id',
      'scope.project.id',
      'scope.domain.id',
      'scope.system',
      'effective',
      'sort_key',
    ],
    ...['include_names', 'include_subtree', 'include_limits', 'parents_as_list', 'subtree_as_ids', 'nocatalog'],
    ...['parent_id', 'tags', 'tags-any', 'not-tags', 'region_id', 'service_id', 'interface', 'user_id', 'is_domain'],
    ...[
      'password_expires_at',
      'unique_id',
      'idp_id',
      'trustor_user_id',
      'allow_expired',
      'scope.OS-INHERIT:inherited_to',
    ],
  ],
  queryValues: [
    '{user}',
    '{project}',
    '{domain}',
    '{role}',
    'true',
    'false',
    '',
    'lt:2020-01-01T00:00:00Z',
    'all',
    'default',
  ],
  headers: [
    ...generalHeaders,
    ['x-subject-token', ['{demoToken}', '{adminToken}x', 'x', 'hth.x.x.x']],
    ['openstack-auth-receipt', ['x']],
  ],
  members,
  skip,
  spares,
}

export const target = define({
  surface: 'suite',
  memoryMiB: 600,
  async open(place) {
    const opened = await openFixtures(place!, 'identity', [...fixtures, applicationCredential])
    return httpSession(requestsOf(grammar), {
      url: place!.urls.identity,
      fixtures: opened,
      adminOnly: [],
      checkError(answer) {
        const { error } = JSON.parse(answer.body.toString()) as { error: Record<string, unknown> }
        if (error.code !== answer.status || typeof error.message !== 'string' || typeof error.title !== 'string')
          throw new Error('no code, message and title of its own')
      },
    })
  },
})
