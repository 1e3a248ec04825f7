import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import { insertTag, removeTag } from '../../model/images/store.ts'
import { checkTags } from '../images/attributes.ts'

type TagDeps = Pick<GlanceDeps, 'database' | 'settings'>

/** PUT …/tags/{tag}. Succeeds also when the image has the tag. */
export async function addTag(context: Context, request: ApiRequest, deps: TagDeps): Promise<undefined> {
  const tag = request.params.tag!
  if (tag.length > 255) throw glanceErrors.BadRequest({ reason: 'A tag is longer than 255 characters' })
  await deps.database.transaction(async (tx) => {
    const image = await openImage(context, request.params.image_id!, 'modify_image', 'modify', tx)
    checkTags([...new Set([...image.tags, tag])], deps.settings)
    await insertTag(tx, image.id, tag)
  })
}

/** DELETE …/tags/{tag}. Throws NotFound (404) for a tag the image does not have. */
export async function deleteTag(context: Context, request: ApiRequest, deps: TagDeps): Promise<undefined> {
  const tag = request.params.tag!
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'modify_image', 'modify', query)
  if (await removeTag(query, image.id, tag)) return
  throw glanceErrors.NotFound({ reason: `Image ${image.id} has no tag ${tag}` })
}
