import type { VolumeRef } from '@hearth/driver'
import type { Pool } from './librados.ts'
import { changeImage, feature, type ImageOptions, withImage } from './librbd.ts'

/** What only one client at a time can use: each of these needs the exclusive lock. */
const singleClient = feature.exclusiveLock | feature.objectMap | feature.fastDiff | feature.journaling

/** Volumes for several hosts at once do without the lock that would wander between them; others as the cluster has it. */
export function featuresOf(volume: VolumeRef): ImageOptions {
  return volume.multiattach ? { features: feature.layering | feature.deepFlatten } : {}
}

/** Takes from an image what several hosts cannot use at once. May be repeated. */
export async function ensureShareable(pool: Pool, volume: VolumeRef): Promise<void> {
  if (!volume.multiattach) return
  const present = await withImage(pool, volume.name, { readOnly: true }, (image) => image.features())
  const taken = present & singleClient
  if (taken === 0) return
  await changeImage(pool, volume.name, (image) => image.setFeatures(taken, false))
}
