import type { Context } from '@hearth/core'
import type { Query } from '@hearth/database'
import { glanceErrors } from '../errors.ts'
import { type Image, policyTarget } from './image.ts'
import { findImage } from './store.ts'

const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Returns true for callers who may access every image. */
export const isAdmin = (context: Context): boolean => context.may('context_is_admin')

/** Returns the id of the caller's project; null without one. */
export const projectOf = (context: Context): string | null => context.identity?.projectId ?? null

/** The caller's standing towards an image; `memberId` is its project when the image is shared with it. */
export interface Seen {
  image: Image
  memberId: string | null
}

/**
 * Returns the image if the caller may know that it exists: administrators, its owner, all callers for public and
 * community images, members for shared ones. Throws ImageNotFound (404) otherwise, never 403. `query` may be an open
 * transaction.
 */
export async function seeImage(context: Context, id: string, query: Query): Promise<Seen> {
  const image = uuidPattern.test(id) ? await findImage(query, id) : null
  const project = projectOf(context)
  const memberId = image?.visibility === 'shared' ? await membership(query, id, project) : null
  if (!image || !(isAdmin(context) || isOpenTo(image, project) || memberId !== null)) {
    throw glanceErrors.ImageNotFound({ image_id: id })
  }
  return { image, memberId }
}

function isOpenTo(image: Image, project: string | null): boolean {
  if (image.visibility === 'public' || image.visibility === 'community' || image.owner === null) return true
  return project !== null && image.owner === project
}

async function membership(query: Query, imageId: string, project: string | null): Promise<string | null> {
  if (project === null) return null
  const row: unknown = await query('image_members').where({ image_id: imageId, member: project }).first()
  return row ? project : null
}

/** As `seeImage`, and the caller satisfies the rule on it; else ImageForbidden (403) saying `action`. */
export async function openImage(
  context: Context,
  id: string,
  rule: string,
  action: string,
  query: Query,
): Promise<Image> {
  const { image, memberId } = await seeImage(context, id, query)
  if (!context.may(rule, policyTarget(image, memberId))) throw glanceErrors.ImageForbidden({ action })
  return image
}
