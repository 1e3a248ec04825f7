import type { VolumeRef } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { changeImage, feature, type ImageOptions, withImage } from '../ceph/librbd.ts'

/** Image features that only one client at a time can use: each of these needs the exclusive lock. */
const singleClient = feature.exclusiveLock | feature.objectMap | feature.fastDiff | feature.journaling

/** Features of a new volume: a multiattach volume has no exclusive lock; others have the cluster's default features. */
export function featuresOf(volume: VolumeRef): ImageOptions {
  return volume.multiattach ? { features: feature.layering | feature.deepFlatten } : {}
}

/** Disables the features of a multiattach volume that several hosts cannot use at once. May be repeated. */
export async function ensureShareable(pool: Pool, volume: VolumeRef): Promise<void> {
  if (!volume.multiattach) return
  const present = await withImage(pool, volume.name, { readOnly: true }, (image) => image.features())
  const taken = present & singleClient
  if (taken === 0) return
  await changeImage(pool, volume.name, (image) => image.setFeatures(taken, false))
}
