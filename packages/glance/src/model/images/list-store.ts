import { own } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { Image } from './image.ts'
import type { ListQuery, Operator } from './list-filter.ts'
import { assemble } from './store.ts'

/** The caller who lists images. */
interface Viewer {
  admin: boolean
  project: string | null
}

type Row = Record<string, unknown>
type Builder = ReturnType<Query>

/** One page of the images a viewer may see. Null when the marker is no image they may see. */
export async function findImages(query: Query, list: ListQuery, viewer: Viewer): Promise<Image[] | null> {
  const select = query('images').select('images.*').whereNull('images.deleted_at').whereNot('images.status', 'killed')
  restrict(select, list, viewer, query)
  filter(select, list, query)
  if (list.marker !== null) {
    const marker: Row | undefined = await query('images').where({ id: list.marker }).whereNull('deleted_at').first()
    if (!marker) return null
    after(select, list.sort, marker)
  }
  for (const { column, direction } of list.sort) {
    select.orderByRaw(`case when ?? is null then 0 else 1 end ${direction}`, [`images.${column}`])
    select.orderBy(`images.${column}`, direction)
  }
  const rows: Row[] = await select.limit(list.limit)
  return assemble(query, rows)
}

/**
 * Selects public and own images, and shared ones of which the viewer is a member with the given status; community
 * images of others only on request.
 */
function restrict(select: Builder, list: ListQuery, viewer: Viewer, query: Query): void {
  const { visibility } = list
  if (visibility !== null && visibility !== 'all') select.where('images.visibility', visibility)
  if (viewer.admin) {
    if (visibility === null) {
      select.where((either) =>
        either.whereNot('images.visibility', 'community').orWhere('images.owner', viewer.project),
      )
    }
    return
  }
  const open = visibility === 'community' || visibility === 'all' ? ['public', 'community'] : ['public']
  select.where((either) => {
    either.whereIn('images.visibility', open)
    if (viewer.project === null) return
    either.orWhere('images.owner', viewer.project)
    either.orWhere((shared) => {
      const membership = query('image_members')
        .whereRaw('?? = ??', ['image_members.image_id', 'images.id'])
        .where('image_members.member', viewer.project)
      if (list.memberStatus !== 'all') membership.where('image_members.status', list.memberStatus)
      shared.where('images.visibility', 'shared').whereExists(membership.select('image_members.image_id'))
    })
  })
}

function filter(select: Builder, list: ListQuery, query: Query): void {
  select.where('images.hidden', list.hidden)
  for (const [column, value] of list.equal) select.where(`images.${column}`, value)
  for (const [column, values] of list.oneOf) select.whereIn(`images.${column}`, values)
  for (const [column, operator, ms] of list.times) compareTime(select, `images.${column}`, operator, ms)
  if (list.sizeMin !== null) select.where('images.size', '>=', list.sizeMin)
  if (list.sizeMax !== null) select.where('images.size', '<=', list.sizeMax)
  for (const tag of list.tags) {
    const tagged = query('image_tags').whereRaw('?? = ??', ['image_tags.image_id', 'images.id']).where('value', tag)
    select.whereExists(tagged.select('image_tags.image_id'))
  }
  for (const [name, value] of list.properties) {
    const having = query('image_properties').whereRaw('?? = ??', ['image_properties.image_id', 'images.id'])
    select.whereExists(having.where({ name, value }).select('image_properties.image_id'))
  }
}

/** Times are kept in milliseconds and asked for in seconds: the whole second is meant. */
function compareTime(select: Builder, column: string, operator: Operator, ms: number): void {
  const next = ms + 1000
  if (operator === 'gt') select.where(column, '>=', next)
  if (operator === 'gte') select.where(column, '>=', ms)
  if (operator === 'lt') select.where(column, '<', ms)
  if (operator === 'lte') select.where(column, '<', next)
  if (operator === 'eq') select.where(column, '>=', ms).where(column, '<', next)
  if (operator === 'neq') select.where((either) => either.where(column, '<', ms).orWhere(column, '>=', next))
}

/** Rows after the marker: equal in the first keys and greater in the next one. Null sorts first. */
function after(select: Builder, sort: ListQuery['sort'], marker: Row): void {
  select.where((any) => {
    for (const [index, { column, direction }] of sort.entries()) {
      any.orWhere((all) => {
        for (const { column: earlier } of sort.slice(0, index)) same(all, `images.${earlier}`, own(marker, earlier))
        beyond(all, `images.${column}`, direction, own(marker, column))
      })
    }
  })
}

function same(where: Builder, column: string, value: unknown): void {
  if (value === null) where.whereNull(column)
  else where.where(column, value as string)
}

function beyond(where: Builder, column: string, direction: 'asc' | 'desc', value: unknown): void {
  if (value === null) {
    if (direction === 'asc') where.whereNotNull(column)
    else where.whereRaw('1 = 0')
  } else if (direction === 'asc') where.where(column, '>', value as string)
  else where.where((either) => either.where(column, '<', value as string).orWhereNull(column))
}
