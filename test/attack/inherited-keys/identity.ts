import { has, holding, lists, type Row, type Targets } from './row.ts'

const auth = (identity: object, scope?: object): unknown => ({ auth: { identity, ...(scope ? { scope } : {}) } })
const identityLists = [
  ...['users', 'groups', 'projects', 'domains', 'roles', 'role_assignments', 'services', 'endpoints', 'regions'],
  ...['credentials', 'policies', 'limits', 'registered_limits', 'OS-TRUST/trusts', 'auth/projects'],
].map((path) => `/${path}`)

export const identityRows = (targets: Targets): Row[] => [
  {
    title: 'a method without its object',
    service: 'identity',
    method: 'POST',
    status: 400,
    ask: (name) => ({
      path: '/auth/tokens',
      json: auth({ methods: [name], user: { id: targets.member.userId, enabled: true, domainEnabled: true } }),
    }),
  },
  {
    title: 'a method with its object',
    service: 'identity',
    method: 'POST',
    status: 401,
    ask: (name) => ({
      path: '/auth/tokens',
      json: auth(holding(name, { id: targets.member.userId }, { methods: [name] })),
    }),
  },
  {
    title: 'a scope',
    service: 'identity',
    method: 'POST',
    status: 400,
    ask: (name) => ({
      path: '/auth/tokens',
      json: auth({ methods: ['token'], token: { id: targets.admin.token } }, holding(name, { id: 'default' })),
    }),
  },
  ...lists('identity', identityLists, (name) => `${name}=x`),
  ...lists('identity', identityLists.slice(0, 5), (name) => `name__${name}=x`),
  {
    title: 'an attribute of a user',
    service: 'identity',
    method: 'PATCH',
    status: 200,
    ask: (name) => ({ path: `/users/${targets.member.userId}`, json: { user: holding(name, 'kept') } }),
    fits: ({ body }, name) => has(body.user, name, 'kept'),
  },
  ...['users', 'groups', 'projects', 'domains', 'roles', 'services', 'endpoints', 'regions', 'credentials'].map(
    (path): Row => ({
      title: `/${path}/NAME`,
      service: 'identity',
      method: 'GET',
      status: 404,
      ask: (name) => ({ path: `/${path}/${name}` }),
    }),
  ),
  {
    title: 'a group of default settings',
    service: 'identity',
    method: 'GET',
    status: 403,
    ask: (name) => ({ path: `/domains/config/${name}/default` }),
  },
  {
    title: 'a group of settings',
    service: 'identity',
    method: 'GET',
    status: 404,
    ask: (name) => ({ path: `/domains/default/config/${name}` }),
  },
  {
    title: 'settings of a group',
    service: 'identity',
    method: 'PUT',
    status: 403,
    ask: (name) => ({ path: '/domains/default/config', json: { config: holding(name, { driver: 'sql' }) } }),
  },
  {
    title: 'an option of settings',
    service: 'identity',
    method: 'PUT',
    status: 403,
    ask: (name) => ({ path: '/domains/default/config', json: { config: { identity: holding(name, 'x') } } }),
  },
]
