import type { Query } from '@hearth/database'
import { errors } from '../../model/errors.ts'
import type { VolumeType } from '../../model/types/store.ts'
import { zonesOfType } from '../../model/types/zones.ts'
import type { Source } from './source.ts'

interface ZoneInput {
  wanted: string | null
  source: Source
  type: VolumeType
  fallback: string
}

/**
 * Returns the zone of a new volume. Throws InvalidInput (400) for a zone without volume service or not allowed by type.
 */
export async function chooseZone(q: Query, { wanted, source, type, fallback }: ZoneInput): Promise<string> {
  if (wanted !== null && source.zone !== null && source.zone !== wanted) {
    throw errors.InvalidInput({
      reason: 'Volume must be in the same availability zone as the snapshot or source volume',
    })
  }
  const allowed = zonesOfType(type)
  const zone = wanted ?? source.zone ?? (allowed && !allowed.includes(fallback) ? allowed[0]! : fallback)
  if (allowed && !allowed.includes(zone)) {
    throw errors.InvalidInput({ reason: `Availability zone '${zone}' is not one of the volume type's` })
  }
  if (zone === fallback) return zone
  const known = await q('services').where({ zone, binary: 'cinder-volume' }).first('id')
  if (!known) throw errors.InvalidInput({ reason: `Availability zone '${zone}' is invalid.` })
  return zone
}
