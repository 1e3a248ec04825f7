import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../deps.ts'
import { glanceErrors } from '../errors.ts'
import { openImage } from '../images/access.ts'
import { checkTags } from '../images/attributes.ts'
import { writeTags } from '../images/store.ts'

type TagDeps = Pick<GlanceDeps, 'database' | 'settings'>

/** PUT …/tags/{tag}: adding what is there is fine. */
export async function addTag(context: Context, request: ApiRequest, deps: TagDeps): Promise<undefined> {
  const tag = request.params.tag!
  if (tag.length > 255) throw glanceErrors.BadRequest({ reason: 'A tag is longer than 255 characters' })
  await deps.database.transaction(async (tx) => {
    const image = await openImage(context, request.params.image_id!, 'modify_image', 'modify', tx)
    const tags = [...new Set([...image.tags, tag])]
    checkTags(tags, deps.settings)
    await writeTags(tx, image.id, tags)
  })
}

/** DELETE …/tags/{tag}. Throws NotFound (404) for a tag the image does not have. */
export async function deleteTag(context: Context, request: ApiRequest, deps: TagDeps): Promise<undefined> {
  const tag = request.params.tag!
  await deps.database.transaction(async (tx) => {
    const image = await openImage(context, request.params.image_id!, 'modify_image', 'modify', tx)
    if (!image.tags.includes(tag)) throw glanceErrors.NotFound({ reason: `Image ${image.id} has no tag ${tag}` })
    await writeTags(
      tx,
      image.id,
      image.tags.filter((each) => each !== tag),
    )
  })
}
