import { type Context, own } from '@hearth/core'
import { type Settings, within } from '../../data/settings.ts'
import { glanceErrors } from '../../model/errors.ts'
import { isAdmin, projectOf } from '../../model/images/access.ts'
import { type Image, policyTarget } from '../../model/images/image.ts'
import { readOnlyAttributes, reservedAttributes, reservedPrefix } from './schema.ts'

/** Wire names of the base attributes clients write → the field they are. */
export const writableFields: ReadonlyMap<string, keyof Image> = new Map(
  Object.entries({
    name: 'name',
    visibility: 'visibility',
    protected: 'protected',
    os_hidden: 'hidden',
    owner: 'owner',
    container_format: 'containerFormat',
    disk_format: 'diskFormat',
    min_ram: 'minRam',
    min_disk: 'minDisk',
    tags: 'tags',
  } as const),
)

/** Throws 403 for an attribute that clients may not write. */
export function refuseReadOnly(name: string): void {
  if (readOnlyAttributes.has(name)) throw glanceErrors.ReadOnlyAttribute({ name })
  if (reservedAttributes.has(name) || name.startsWith(reservedPrefix)) throw glanceErrors.ReservedAttribute({ name })
}

/** Throws 400 or 413 for names, tags and counts above the limits. `before` is the image before the change. */
export function checkAmounts(image: Image, settings: Settings, before?: Image): void {
  for (const name of image.properties.keys()) {
    if (name.length > 255) throw glanceErrors.BadRequest({ reason: 'A property name is longer than 255 characters' })
  }
  const count = image.properties.size
  const grew = count > (before?.properties.size ?? 0)
  if (grew && !within(settings.imagePropertyQuota, count)) {
    const reason = `The limit has been exceeded on the number of allowed image properties. Attempted: ${count}, Maximum: ${settings.imagePropertyQuota}`
    throw glanceErrors.OverLimit({ reason })
  }
  checkTags(image.tags, settings)
}

/** Throws OverLimit (413) for more tags than the quota allows. */
export function checkTags(tags: readonly string[], settings: Settings): void {
  if (!within(settings.imageTagQuota, tags.length)) {
    const reason = `The limit has been exceeded on the number of allowed image tags. Attempted: ${tags.length}, Maximum: ${settings.imageTagQuota}`
    throw glanceErrors.OverLimit({ reason })
  }
}

/** Throws 403 when the caller may not give the image this visibility or owner. */
export function checkOwnership(context: Context, image: Image, before?: Image): void {
  if (image.visibility !== before?.visibility) {
    const rule = own({ public: 'publicize_image', community: 'communitize_image' }, image.visibility)
    if (rule && !context.may(rule, policyTarget(before ?? image))) {
      throw glanceErrors.Forbidden({ reason: `You are not authorized to complete ${rule} action.` })
    }
  }
  const previous = before ? before.owner : projectOf(context)
  if (image.owner !== previous && !isAdmin(context)) {
    throw glanceErrors.Forbidden({ reason: `You are not permitted to create images owned by '${image.owner}'.` })
  }
}
