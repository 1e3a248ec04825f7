import type { Context } from '@hearth/core'
import type { Transaction } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import type { Image } from '../../model/images/image.ts'
import { findImage, updateImage, writeProperties, writeTags } from '../../model/images/store.ts'
import { applyLocations, saveLocations } from '../locations/patch.ts'
import { checkAmounts, checkOwnership, writableFields } from './attributes.ts'
import { type Change, parsePatch } from './patch.ts'
import { baseAttributes } from './schema.ts'
import { viewImage } from './view.ts'

type UpdateDeps = Pick<GlanceDeps, 'database' | 'settings' | 'stores'>

const attempts = 5
/** Claims about the bytes stand once the bytes are there. */
const formatAttributes = new Set(['container_format', 'disk_format'])
const formatStatuses = new Set(['queued', 'importing'])

/** PATCH /v2/images/{id}. Makes all changes or none, in one write; retries when another request saved in between. */
export async function updateImageAttributes(context: Context, request: ApiRequest, deps: UpdateDeps): Promise<unknown> {
  const type = request.headers['content-type']
  const changes = parsePatch(type, request.body)
  const id = request.params.image_id!
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const saved = await deps.database.transaction(async (tx) => {
      const before = await openImage(context, id, 'modify_image', 'modify', tx)
      const after = applyChanges(context, before, changes, deps)
      return (await save(tx, before, after)) ? await findImage(tx, id) : null
    })
    if (saved) return viewImage(saved, context, deps.settings)
  }
  throw glanceErrors.Conflict({ reason: `Image ${id} is being changed by others; try again.` })
}

/** The image with all changes applied and checked. */
function applyChanges(context: Context, before: Image, changes: readonly Change[], deps: UpdateDeps): Image {
  const after = structuredClone(before)
  for (const change of changes) {
    const name = change.path[0]!
    if (name === 'locations') applyLocations(context, after, change, deps)
    else if (baseAttributes.has(name)) applyBase(after, name, change)
    else applyProperty(after, name, change)
  }
  checkAmounts(after, deps.settings, before)
  checkOwnership(context, after, before)
  return after
}

function applyBase(image: Image, name: string, { op, value }: Change): void {
  if (op === 'remove') throw glanceErrors.Forbidden({ reason: `Property ${name} may not be removed.` })
  if (formatAttributes.has(name) && !formatStatuses.has(image.status)) {
    const reason = `Attribute ${name} can be only replaced in queued or importing state.`
    throw glanceErrors.Forbidden({ reason })
  }
  const field = writableFields.get(name)!
  Object.assign(image, { [field]: field === 'tags' ? [...new Set(value as string[])].sort() : value })
}

function applyProperty(image: Image, name: string, { op, value, strictAdd }: Change): void {
  const exists = image.properties.has(name)
  if (op === 'add' && exists && strictAdd) {
    throw glanceErrors.Conflict({ reason: `Property ${name} already present.` })
  }
  if (op !== 'add' && !exists) throw glanceErrors.Conflict({ reason: `Property ${name} does not exist.` })
  if (op === 'remove') image.properties.delete(name)
  else image.properties.set(name, value as string)
}

function sameProperties(a: Image['properties'], b: Image['properties']): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value)
}

async function save(tx: Transaction, before: Image, after: Image): Promise<boolean> {
  const { tags, properties, locations: _locations, status: _status, ...columns } = after
  if (!(await updateImage(tx, before, columns))) return false
  if (tags.join('\0') !== before.tags.join('\0')) await writeTags(tx, before.id, tags)
  if (!sameProperties(properties, before.properties)) {
    await writeProperties(tx, before.id, properties)
  }
  await saveLocations(tx, before, after)
  return true
}
