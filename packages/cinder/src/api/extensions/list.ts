import { type Context, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import { knownExtensions } from './known.ts'

/** GET /extensions. Lists the optional parts of upstream's API that this API implements. */
export async function listExtensions() {
  return { extensions: Object.keys(knownExtensions).map(view) }
}

/** GET /extensions/{alias}. */
export async function showExtension(_context: Context, request: ApiRequest) {
  const alias = request.params.alias!
  if (!Object.hasOwn(knownExtensions, alias)) throw errors.ItemNotFound({ reason: `There is no extension ${alias}` })
  return { extension: view(alias) }
}

function view(alias: string) {
  const [name, description, updated] = own(knownExtensions, alias)!
  return { alias, name, description, updated, links: [] }
}
