import type { Query } from '@hearth/database'

/** Zones that hold a volume service, and whether one of those is enabled. */
export async function readZones(q: Query): Promise<Map<string, boolean>> {
  const zones = new Map<string, boolean>()
  const rows = await q('services').where({ binary: 'cinder-volume' }).orderBy('zone').select('zone', 'disabled')
  for (const { zone, disabled } of rows) zones.set(zone, (zones.get(zone) ?? false) || !disabled)
  return zones
}
