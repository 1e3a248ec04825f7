import { type Context, own } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { defaults, secretOptions } from '../../model/domain-settings/defaults.ts'
import { readSettings, removeSettings, type Settings, writeSettings } from '../../model/domain-settings/store.ts'
import { forbidden, invalid, notFound } from '../../model/errors.ts'
import { getDomain } from '../domains/show.ts'
import type { Body } from '../links.ts'
import { settingsOf } from './show.ts'

/** PUT /domains/{domain_id}/config: returns 201 when the domain had no settings, else 200. */
export async function replaceSettings(_context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const domainId = request.params.domain_id!
  const given = (request.body as { config: Settings }).config
  assertKnown(given)
  const existed = await commit(deps, async (tx) => {
    await getDomain(tx, domainId)
    const removed = await removeSettings(tx, { domain_id: domainId })
    await writeSettings(tx, domainId, given)
    return removed > 0
  })
  return new Reply(existed ? 200 : 201, { config: await settingsOf(request, deps) })
}

/** PATCH …/config, …/config/{group} and …/config/{group}/{option}: returns the whole configuration. */
export async function updateSettings(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const { domain_id, group, option } = request.params as { domain_id: string; group?: string; option?: string }
  const { config } = request.body as { config: Settings }
  const given = option && group ? { [group]: config as unknown as Record<string, unknown> } : config
  assertKnown(given)
  if (group && Object.keys(given).some((name) => name !== group)) throw forbidden('the body names another group.')
  if (option && Object.keys(own(given, group!)!).some((name) => name !== option))
    throw forbidden('the body names another option.')
  await commit(deps, async (tx) => {
    await getDomain(tx, domain_id)
    if (group && !own(await readSettings(tx, domain_id), group)) throw notFound('domain configuration', group)
    await writeSettings(tx, domain_id, given)
  })
  return { config: await settingsOf(request, deps) }
}

/** DELETE …/config, …/config/{group} and …/config/{group}/{option}. Throws ResourceNotFound (404). */
export async function deleteSettings(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { domain_id, group, option } = request.params as { domain_id: string; group?: string; option?: string }
  await commit(deps, async (tx) => {
    await getDomain(tx, domain_id)
    const where = { domain_id, ...(group ? { section: group } : {}), ...(option ? { name: option } : {}) }
    const removed = await removeSettings(tx, where)
    if (removed === 0 && group) throw notFound('domain configuration', option ?? group)
  })
}

/**
 * Throws Forbidden (403) for a group or option that a domain cannot set, InvalidRequest (400) for a group that is not
 * an object.
 */
function assertKnown(settings: Settings): void {
  for (const [group, options] of Object.entries(settings)) {
    const known = own(defaults, group)
    if (!known) throw forbidden(`group ${group} is not supported for domain specific configurations.`)
    if (typeof options !== 'object' || options === null) throw invalid(`${group} must be an object of options.`)
    for (const option of Object.keys(options))
      if (!Object.hasOwn(known, option) && !own(secretOptions, group)?.includes(option))
        throw forbidden(`option ${option} in group ${group} is not supported for domain specific configurations.`)
  }
}
