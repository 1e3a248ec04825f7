import type { Query, Transaction } from '@hearth/database'
import { duplicateName } from '../errors.ts'
import type { Filters, Page } from '../list-query.ts'
import { type Attributes, orNull, type Row, readJson, rowsIn, unique } from '../store.ts'

/** A project, or a domain, which is a project at the top of a tree. */
export interface Project {
  id: string
  /** Null for a domain. */
  domainId: string | null
  /** Id of the project above, which is the domain at the top; null for a domain. */
  parentId: string | null
  name: string
  isDomain: boolean
  enabled: boolean
  description: string
  options: Attributes
  extra: Attributes
  tags: string[]
}

/** A project with the fields of its domain that a token needs. */
export interface ScopedProject extends Project {
  domainName: string
  domainEnabled: boolean
}

/** Project by id, or by name and domain. */
export type ProjectReference = { id: string } | { name: string; domain: { id?: string; name?: string } }

/** Returns the project or domain with this id, or null. */
export async function findProject(query: Query, id: string): Promise<Project | null> {
  return (await withTags(query, await query('projects').where({ id })))[0] ?? null
}

/** Returns the domain with this id, or null. */
export async function findDomain(query: Query, id: string): Promise<Project | null> {
  return (await withTags(query, await query('projects').where({ id, is_domain: true })))[0] ?? null
}

/**
 * Returns the id of the domain with this name, or of the only domain whose name differs just by case; null when there
 * is none. Keystone's usual database ignores case, so client guides write `default` for `Default`.
 */
export async function domainIdByName(query: Query, name: string): Promise<string | null> {
  const rows: Row[] = await query('projects')
    .where({ domain_id: '', is_domain: true })
    .whereRaw('lower(name) = lower(?)', [name])
    .select('id', 'name')
  const found = rows.find((row) => row.name === name) ?? (rows.length === 1 ? rows[0] : undefined)
  return orNull(found?.id)
}

/** Returns the projects and domains with these ids, in no order; leaves out unknown ids. */
export async function projectsById(query: Query, ids: string[]): Promise<Project[]> {
  return withTags(query, await rowsIn(query, 'projects', 'id', ids))
}

/** Throws AlreadyExists (409) when another domain has the same name or one that differs only by case. */
export async function assertDomainNameFree(tx: Transaction, { id, name }: Pick<Project, 'id' | 'name'>): Promise<void> {
  const taken = await domainIdByName(tx, name)
  if (taken !== null && taken !== id) throw duplicateName('domain', name)
}

/** Returns the id of the domain that a reference names by id or name; null when no domain has the name. */
export async function domainOf(
  query: Query,
  { domain }: { domain: { id?: string; name?: string } },
): Promise<string | null> {
  return domain.id ?? domainIdByName(query, domain.name ?? '')
}

/**
 * Returns a project with its domain, found by id or by name and domain; null when there is none. Does not read its
 * tags.
 */
export async function findScope(query: Query, reference: ProjectReference): Promise<ScopedProject | null> {
  const domainId = 'id' in reference ? null : await domainOf(query, reference)
  if (!('id' in reference) && domainId === null) return null
  const search = query('projects as p')
    .join('projects as d', 'd.id', 'p.domain_id')
    .select('p.*', 'd.name as domain_name', 'd.enabled as domain_enabled')
  if ('id' in reference) search.where('p.id', reference.id)
  else search.where({ 'p.name': reference.name, 'p.domain_id': domainId })
  const row: Row | undefined = await search.first()
  if (!row) return null
  return { ...fromRow(row, []), domainName: String(row.domain_name), domainEnabled: Boolean(row.domain_enabled) }
}

/** Returns one page of the projects whose columns equal `exact`, ordered by id. */
export async function listProjects(query: Query, exact: Filters['exact'], page: Page): Promise<Project[]> {
  const search = query('projects').where(exact).orderBy('id')
  if (page.marker) search.where('id', '>', page.marker)
  if (page.limit) search.limit(page.limit)
  return withTags(query, await search)
}

/** Returns the ids of the projects above, nearest first; the last one is the domain. */
export async function ancestorsOf(query: Query, project: Pick<Project, 'parentId' | 'domainId'>): Promise<string[]> {
  const ids: string[] = []
  let next = project.parentId
  while (next !== null && next !== project.domainId && ids.length < 64) {
    ids.push(next)
    const row: Row | undefined = await query('projects').where({ id: next }).select('parent_id').first()
    next = orNull(row?.parent_id)
  }
  return project.domainId ? [...ids, project.domainId] : ids
}

/** Returns all projects below a project, parents before children. */
export async function subtreeOf(query: Query, id: string): Promise<Project[]> {
  const found: Project[] = []
  let level = [id]
  while (level.length > 0) {
    const rows = await rowsIn(query, 'projects', 'parent_id', level)
    const children = await withTags(query, rows)
    found.push(...children)
    level = children.map((child) => child.id)
  }
  return found
}

/** Returns true when the project has projects below it. */
export async function hasChildren(query: Query, id: string): Promise<boolean> {
  return (await query('projects').where({ parent_id: id }).select('id').first()) !== undefined
}

/** Inserts a project or domain with its tags. Throws AlreadyExists (409) when its name is taken. */
export async function insertProject(query: Query, project: Project): Promise<void> {
  const kind = project.isDomain ? 'domain' : 'project'
  await unique(query('projects').insert(toRow(project)), () => duplicateName(kind, project.name))
  await saveTags(query, project.id, project.tags)
}

/** Writes all columns of a project or domain, without its tags. Throws AlreadyExists (409) when its name is taken. */
export async function saveProject(query: Query, project: Project): Promise<void> {
  const kind = project.isDomain ? 'domain' : 'project'
  const write = query('projects').where({ id: project.id }).update(toRow(project))
  await unique(write, () => duplicateName(kind, project.name))
}

/** Replaces the tags of a project. */
export async function saveTags(query: Query, projectId: string, tags: string[]): Promise<void> {
  await query('project_tags').where({ project_id: projectId }).delete()
  const rows = [...new Set(tags)].map((tag) => ({ project_id: projectId, tag }))
  if (rows.length > 0) await query('project_tags').insert(rows)
}

/** Removes a project with its tags, assignments, credentials, trusts, limits and links to endpoints. */
export async function removeProject(query: Query, id: string): Promise<void> {
  await query('projects').where({ id }).delete()
  await query('project_tags').where({ project_id: id }).delete()
  await query('role_assignments').where({ target_id: id }).whereIn('target_type', ['project', 'domain']).delete()
  await query('user_credentials').where({ project_id: id }).delete()
  const delegated = query('application_credentials').where({ project_id: id }).select('id')
  await query('application_credential_rules').whereIn('application_credential_id', delegated).delete()
  await query('application_credentials').where({ project_id: id }).delete()
  await query('trusts').where({ project_id: id }).delete()
  await query('project_limits').where({ project_id: id }).orWhere({ domain_id: id }).delete()
  await query('project_endpoints').where({ project_id: id }).delete()
  await query('project_endpoint_groups').where({ project_id: id }).delete()
}

async function withTags(query: Query, rows: Row[]): Promise<Project[]> {
  const ids = rows.map((row) => String(row.id))
  const tags = await rowsIn(query, 'project_tags', 'project_id', ids)
  const byProject = Map.groupBy(tags, (row) => String(row.project_id))
  return rows.map((row) =>
    fromRow(
      row,
      (byProject.get(String(row.id)) ?? []).map((tag) => String(tag.tag)),
    ),
  )
}

function fromRow(row: Row, tags: string[]): Project {
  return {
    id: String(row.id),
    domainId: orNull(row.domain_id),
    parentId: orNull(row.parent_id),
    name: String(row.name),
    isDomain: Boolean(row.is_domain),
    enabled: Boolean(row.enabled),
    description: String(row.description),
    options: readJson(row.options),
    extra: readJson(row.extra),
    tags: tags.sort(),
  }
}

function toRow(project: Project): Row {
  return {
    id: project.id,
    domain_id: project.domainId ?? '',
    parent_id: project.parentId,
    name: project.name,
    is_domain: project.isDomain,
    enabled: project.enabled,
    description: project.description,
    options: JSON.stringify(project.options),
    extra: JSON.stringify(project.extra),
  }
}
