import { type Context, commonErrors, own, uuid } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ApiRequest } from '@hearth/http'
import { getVolumeType, insertVolumeType } from '../../model/types/store.ts'
import { readFlag } from './schema.ts'
import { viewType } from './view.ts'

interface CreateBody {
  volume_type: {
    name: string
    description?: string | null
    extra_specs?: Record<string, string>
    'os-volume-type-access:is_public'?: unknown
  }
}

/** POST /types. Throws VolumeTypeExists (409). */
export async function createType(context: Context, request: ApiRequest, deps: { database: Database }) {
  const { volume_type: wanted } = request.body as CreateBody
  const name = wanted.name.trim()
  if (name === '') throw commonErrors.InvalidInput({ reason: 'Volume type name can not be empty.' })
  const extraSpecs = wanted.extra_specs ?? {}
  checkExclusiveSpecs(extraSpecs)
  const id = uuid()
  await deps.database.transaction((tx) =>
    insertVolumeType(tx, {
      id,
      name,
      description: wanted.description ?? null,
      isPublic: readFlag(wanted['os-volume-type-access:is_public'], true),
      extraSpecs,
    }),
  )
  return { volume_type: viewType(context, await getVolumeType(deps.database.query, id)) }
}

/** Throws 400 when a type would be multiattach and cacheable at once (cinder/api/contrib/types_extra_specs.py). */
export function checkExclusiveSpecs(specs: Record<string, string>): void {
  const is = (key: string) => /^<is>\s+true$/i.test(own(specs, key)?.trim() ?? '')
  if (is('multiattach') && is('cacheable')) {
    throw commonErrors.BadRequest({ reason: 'cacheable cannot be set with multiattach' })
  }
}
