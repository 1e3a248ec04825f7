import type { VolumeType } from './store.ts'

/** Returns the zones that the extra spec `RESKEY:availability_zones` allows; null if the type has no such spec. */
export function zonesOfType(type: VolumeType): string[] | null {
  const spec = type.extraSpecs['RESKEY:availability_zones']
  return spec ? spec.split(',').map((zone) => zone.trim()) : null
}
