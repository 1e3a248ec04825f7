import { afterAll, beforeAll, expect, test } from 'vitest'
import { defaultDomain, startIdentity, type TestIdentity } from '../../fixture.ts'

let identity: TestIdentity
let admin: string
let ids: Record<'user' | 'group' | 'project' | 'child' | 'role' | 'implied', string>

const call = (method: string, path: string, body?: object) =>
  identity.call(method, `/v3${path}`, { token: admin, ...(body ? { body } : {}) })

beforeAll(async () => {
  identity = await startIdentity()
  admin = await identity.login()
  const make = async (kind: string, plural: string, more: object) =>
    (await call('POST', `/${plural}`, { [kind]: more })).body[kind].id
  const project = await make('project', 'projects', { name: 'parent' })
  ids = {
    user: await make('user', 'users', { name: 'worker', password: 'pw' }),
    group: await make('group', 'groups', { name: 'crew' }),
    project,
    child: await make('project', 'projects', { name: 'child', parent_id: project }),
    role: await make('role', 'roles', { name: 'foreman' }),
    implied: await make('role', 'roles', { name: 'digger' }),
  }
  await call('PUT', `/roles/${ids.role}/implies/${ids.implied}`)
  await call('PUT', `/groups/${ids.group}/users/${ids.user}`)
})
afterAll(() => identity.close())

const rolesIn = async (project: string): Promise<string[] | number> => {
  const user = { id: ids.user, password: 'pw' }
  const auth = { identity: { methods: ['password'], password: { user } }, scope: { project: { id: project } } }
  const { status, body } = await identity.call('POST', '/v3/auth/tokens', { body: { auth } })
  return status === 201 ? body.token.roles.map((role: { name: string }) => role.name) : status
}

test('a role of a group applies to its members, with the roles that it implies', async () => {
  const path = `/projects/${ids.project}/groups/${ids.group}/roles/${ids.role}`
  expect(await rolesIn(ids.project)).toBe(401)
  expect((await call('PUT', path)).status).toBe(204)
  expect((await call('HEAD', path)).status).toBe(204)
  expect(await rolesIn(ids.project)).toEqual(['digger', 'foreman'])
  expect(await rolesIn(ids.child)).toBe(401)
  expect((await call('DELETE', path)).status).toBe(204)
  expect((await call('HEAD', path)).status).toBe(404)
  expect(await rolesIn(ids.project)).toBe(401)
})

test.each(['projects', 'domains'])(
  'a role inherited from %s applies to the projects below and not to the target itself',
  async (place) => {
    const target = place === 'projects' ? ids.project : defaultDomain.id
    const path = `/OS-INHERIT/${place}/${target}/users/${ids.user}/roles/${ids.role}/inherited_to_projects`
    expect((await call('PUT', path)).status).toBe(204)
    expect(await rolesIn(ids.child)).toEqual(['digger', 'foreman'])
    expect(await rolesIn(ids.project)).toEqual(place === 'projects' ? 401 : ['digger', 'foreman'])
    const listed = await call('GET', `/OS-INHERIT/${place}/${target}/users/${ids.user}/roles/inherited_to_projects`)
    expect(listed.body.roles).toHaveLength(1)
    expect((await call('DELETE', path)).status).toBe(204)
    expect(await rolesIn(ids.child)).toBe(401)
  },
)

test('assignments are listed as stored or as they take effect, with names on request', async () => {
  await call('PUT', `/projects/${ids.project}/groups/${ids.group}/roles/${ids.role}`)
  const list = async (query: string) => (await call('GET', `/role_assignments?${query}`)).body.role_assignments
  const made = await list(`scope.project.id=${ids.project}`)
  expect(made).toEqual([
    {
      role: { id: ids.role },
      group: { id: ids.group },
      scope: { project: { id: ids.project } },
      links: { assignment: `${identity.url}/v3/projects/${ids.project}/groups/${ids.group}/roles/${ids.role}` },
    },
  ])
  const effective = await list(`effective&user.id=${ids.user}&include_names`)
  expect(effective.map((one: { role: { name: string } }) => one.role.name).sort()).toEqual(['digger', 'foreman'])
  expect(effective[0]).toMatchObject({
    user: { name: 'worker', domain: { name: 'Default' } },
    scope: { project: { name: 'parent', domain: { id: 'default' } } },
    links: { membership: `${identity.url}/v3/groups/${ids.group}/users/${ids.user}` },
  })
  expect(await list(`role.id=${ids.implied}`)).toEqual([])
  expect(await list(`effective&role.id=${ids.implied}`)).toHaveLength(1)
  const both = await call('GET', `/role_assignments?user.id=${ids.user}&group.id=${ids.group}`)
  expect(both.status).toBe(400)
})

test('a role can be assigned on the system', async () => {
  const path = `/system/users/${ids.user}/roles/${ids.role}`
  expect((await call('PUT', path)).status).toBe(204)
  expect((await call('GET', `/system/users/${ids.user}/roles`)).body.roles).toHaveLength(1)
  const [assignment] = (await call('GET', `/role_assignments?scope.system=all&user.id=${ids.user}`)).body
    .role_assignments
  expect(assignment.scope).toEqual({ system: { all: true } })
  expect((await call('DELETE', path)).status).toBe(204)
})

test('no role can imply admin, and no global role can imply a role of a domain', async () => {
  const domain = (await call('POST', '/domains', { domain: { name: 'apart' } })).body.domain
  const local = (await call('POST', '/roles', { role: { name: 'local', domain_id: domain.id } })).body.role
  const [adminRole] = (await call('GET', '/roles?name=admin')).body.roles
  expect((await call('PUT', `/roles/${ids.role}/implies/${adminRole.id}`)).status).toBe(403)
  expect((await call('PUT', `/roles/${ids.role}/implies/${local.id}`)).status).toBe(403)
  expect((await call('PUT', `/roles/${local.id}/implies/${ids.role}`)).status).toBe(201)
  expect((await call('PUT', `/projects/${ids.project}/users/${ids.user}/roles/${local.id}`)).status).toBe(403)
})

test('a role of a domain can be granted on its projects and on any domain, but not on the system', async () => {
  const domain = (await call('POST', '/domains', { domain: { name: 'guild' } })).body.domain
  const local = (await call('POST', '/roles', { role: { name: 'master', domain_id: domain.id } })).body.role
  const own = (await call('POST', '/projects', { project: { name: 'hall', domain_id: domain.id } })).body.project
  const grant = async (place: string) => (await call('PUT', `${place}/users/${ids.user}/roles/${local.id}`)).status
  expect(await grant(`/projects/${own.id}`)).toBe(204)
  expect(await grant(`/domains/${domain.id}`)).toBe(204)
  expect(await grant('/domains/default')).toBe(204)
  expect(await grant(`/projects/${ids.project}`)).toBe(403)
  expect(await grant('/system')).toBe(400)
})

test('a manager of a domain can grant only lesser roles, and only to users of that domain', async () => {
  const domain = (await call('POST', '/domains', { domain: { name: 'managed' } })).body.domain
  const { user } = (await call('POST', '/users', { user: { name: 'chief', password: 'pw', domain_id: domain.id } }))
    .body
  const roleId = async (name: string) => (await call('GET', `/roles?name=${name}`)).body.roles[0].id
  await call('PUT', `/domains/${domain.id}/users/${user.id}/roles/${await roleId('manager')}`)
  const auth = {
    identity: { methods: ['password'], password: { user: { id: user.id, password: 'pw' } } },
    scope: { domain: { id: domain.id } },
  }
  const login = await identity.call('POST', '/v3/auth/tokens', { body: { auth } })
  const token = login.headers.get('x-subject-token')!
  const made = await identity.call('POST', '/v3/users', { token, body: { user: { name: 'helper' } } })
  expect([made.status, made.body.user.domain_id]).toEqual([201, domain.id])
  const listed = await identity.call('GET', '/v3/users', { token })
  expect(listed.body.users.map((one: { name: string }) => one.name).sort()).toEqual(['chief', 'helper'])
  expect((await identity.call('GET', '/v3/users?domain_id=default', { token })).status).toBe(403)
  const grant = async (role: string, who: string) => {
    const path = `/v3/domains/${domain.id}/users/${who}/roles/${await roleId(role)}`
    return (await identity.call('PUT', path, { token })).status
  }
  expect(await grant('member', made.body.user.id)).toBe(204)
  expect(await grant('admin', made.body.user.id)).toBe(403)
  expect(await grant('member', ids.user)).toBe(403)
})
