import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import {
  addLink,
  findEndpointGroup,
  hasLink,
  type LinkTable,
  linkedIds,
  removeLink,
} from '../../model/endpoint-groups/store.ts'
import { endpointsById, listEndpoints } from '../../model/endpoints/store.ts'
import { notFound } from '../../model/errors.ts'
import { projectsById } from '../../model/projects/store.ts'
import { getEndpoint, viewEndpoint } from '../endpoints/read.ts'
import { type Body, baseOf, collection } from '../links.ts'
import { getProject } from '../projects/show.ts'
import { viewProject } from '../projects/view.ts'
import { getEndpointGroup, viewEndpointGroup } from './read.ts'

/** Reads the link that the path names: a project with an endpoint, or a project with an endpoint group. */
function linkOf({ params }: ApiRequest): { table: LinkTable; row: Record<string, string> } {
  const { project_id, endpoint_id, endpoint_group_id } = params as Record<string, string>
  return endpoint_id !== undefined
    ? { table: 'project_endpoints', row: { project_id: project_id!, endpoint_id } }
    : { table: 'project_endpoint_groups', row: { project_id: project_id!, endpoint_group_id: endpoint_group_id! } }
}

async function assertExists(query: Query, { params }: ApiRequest): Promise<void> {
  await getProject(query, params.project_id!)
  if (params.endpoint_id !== undefined) await getEndpoint(query, params.endpoint_id)
  else await getEndpointGroup(query, params.endpoint_group_id!)
}

/** PUT: links an endpoint or an endpoint group to a project. Throws ResourceNotFound (404). */
export async function link(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  await commit(deps, async (tx) => {
    await assertExists(tx, request)
    const { table, row } = linkOf(request)
    await addLink(tx, table, row)
  })
}

/** GET and HEAD of a link. Throws ResourceNotFound (404) when there is none. */
export async function checkLink(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { table, row } = linkOf(request)
  if (!(await hasLink(deps.database.query, table, row))) throw notFound('association', Object.values(row).join(' and '))
}

/** DELETE of a link. Throws ResourceNotFound (404) when there is none. */
export async function unlink(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { table, row } = linkOf(request)
  await commit(deps, async (tx) => {
    if (!(await removeLink(tx, table, row))) throw notFound('association', Object.values(row).join(' and '))
  })
}

/** GET /OS-EP-FILTER/endpoints/{endpoint_id}/projects and …/endpoint_groups/{endpoint_group_id}/projects. */
export async function listLinkedProjects(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const { endpoint_id, endpoint_group_id } = request.params
  const ids =
    endpoint_id !== undefined
      ? await linkedIds(query, 'project_endpoints', { endpoint_id }, 'project_id')
      : await linkedIds(query, 'project_endpoint_groups', { endpoint_group_id }, 'project_id')
  const items = (await projectsById(query, ids)).map((project) => viewProject(project, base))
  return collection(request, { name: 'projects', base, items })
}

/**
 * GET /OS-EP-FILTER/projects/{project_id}/endpoints: the endpoints linked to the project directly or through a group.
 */
export async function listProjectEndpoints(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const { id: project_id } = await getProject(query, request.params.project_id!)
  const direct = await endpointsById(query, await linkedIds(query, 'project_endpoints', { project_id }, 'endpoint_id'))
  const all = new Map(direct.map((endpoint) => [endpoint.id, endpoint]))
  for (const id of await linkedIds(query, 'project_endpoint_groups', { project_id }, 'endpoint_group_id'))
    for (const endpoint of await endpointsOf(query, id)) all.set(endpoint.id, endpoint)
  const items = [...all.values()].map((endpoint) => viewEndpoint(endpoint, base))
  return collection(request, { name: 'endpoints', base, items })
}

/** GET /OS-EP-FILTER/projects/{project_id}/endpoint_groups. */
export async function listProjectGroups(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const { id: project_id } = await getProject(query, request.params.project_id!)
  const items: Body[] = []
  for (const id of await linkedIds(query, 'project_endpoint_groups', { project_id }, 'endpoint_group_id'))
    items.push(viewEndpointGroup(await getEndpointGroup(query, id), base))
  return collection(request, { name: 'endpoint_groups', base, items })
}

/** GET /OS-EP-FILTER/endpoint_groups/{endpoint_group_id}/endpoints. */
export async function listGroupEndpoints(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const base = baseOf(request, deps.publicUrl)
  const { query } = deps.database
  const group = await getEndpointGroup(query, request.params.endpoint_group_id!)
  const items = (await endpointsOf(query, group.id)).map((endpoint) => viewEndpoint(endpoint, base))
  return collection(request, { name: 'endpoints', base, items })
}

async function endpointsOf(query: Query, groupId: string) {
  const group = await findEndpointGroup(query, groupId)
  return group ? listEndpoints(query, group.filters as Record<string, string | boolean>) : []
}
