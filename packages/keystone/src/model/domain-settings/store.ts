import { setOwn } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { Row } from '../store.ts'

export type Settings = Record<string, Record<string, unknown>>

/** Returns the settings of a domain: section → option → value. */
export async function readSettings(query: Query, domainId: string): Promise<Settings> {
  const rows: Row[] = await query('domain_settings').where({ domain_id: domainId }).orderBy(['section', 'name'])
  const settings = new Map<string, Record<string, unknown>>()
  for (const row of rows) {
    const options = settings.get(String(row.section)) ?? {}
    setOwn(options, String(row.name), JSON.parse(String(row.value)))
    settings.set(String(row.section), options)
  }
  return Object.fromEntries(settings)
}

/** Writes these options; the other options of the domain stay. */
export async function writeSettings(query: Query, domainId: string, settings: Settings): Promise<void> {
  for (const [section, options] of Object.entries(settings)) {
    for (const [name, value] of Object.entries(options)) {
      await query('domain_settings').where({ domain_id: domainId, section, name }).delete()
      await query('domain_settings').insert({ domain_id: domainId, section, name, value: JSON.stringify(value) })
    }
  }
}

/** Removes one option, a section or all settings of a domain. Returns the number of removed options. */
export async function removeSettings(
  query: Query,
  where: { domain_id: string; section?: string; name?: string },
): Promise<number> {
  return query('domain_settings').where(where).delete()
}
