import { type Context, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { defaults, secretOptions } from '../../model/domain-settings/defaults.ts'
import { readSettings, type Settings } from '../../model/domain-settings/store.ts'
import { forbidden, notFound } from '../../model/errors.ts'
import { getDomain } from '../domains/show.ts'
import type { Body } from '../links.ts'

/** Returns the domain's settings without secret options. */
export async function settingsOf(request: ApiRequest, deps: Deps): Promise<Settings> {
  const settings = await readSettings(deps.database.query, request.params.domain_id!)
  for (const [group, names] of Object.entries(secretOptions))
    for (const name of names) delete own(settings, group)?.[name]
  return settings
}

/** GET …/config, …/config/{group} and …/config/{group}/{option}. Throws ResourceNotFound (404) when nothing is set. */
export async function showSettings(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { domain_id, group, option } = request.params as { domain_id: string; group?: string; option?: string }
  await getDomain(deps.database.query, domain_id)
  const settings = await settingsOf(request, deps)
  const found = group ? own(settings, group) : settings
  if (!found || Object.keys(found).length === 0) throw notFound('domain configuration', group ?? domain_id)
  if (!group) return { config: found }
  if (!option) return { config: { [group]: found } }
  if (!Object.hasOwn(found, option)) throw notFound('domain configuration', option)
  return { config: { [option]: own(found, option) } }
}

/**
 * GET /domains/config/default, …/{group}/default and …/{group}/{option}/default. Throws Forbidden (403) for an unknown
 * group or option.
 */
export async function showDefaults(_context: Context, request: ApiRequest): Promise<Body> {
  const { group, option } = request.params as { group?: string; option?: string }
  if (!group) return { config: defaults }
  const options = own(defaults, group)
  if (!options) throw forbidden(`group ${group} is not supported for domain specific configurations.`)
  if (!option) return { config: { [group]: options } }
  if (!Object.hasOwn(options, option)) throw forbidden(`option ${option} in group ${group} is not supported.`)
  return { config: { [option]: own(options, option) } }
}
