import type { Running } from '@hearth/core'
import { startIdentity } from './parts/identity.ts'
import { startImage } from './parts/image.ts'
import { startObjectKeepers, startObjectProxy, startObjectStorage } from './parts/object.ts'
import { startBackup, startScheduler, startVolume, startVolumeApi } from './parts/volume.ts'
import type { Shared } from './shared.ts'

/** A role by its name, in the order of starting: each needs only those above it. */
export const roleStarters: Record<string, (shared: Shared) => Promise<Running>> = {
  'keystone.api': startIdentity,
  'swift.storage': startObjectStorage,
  'swift.proxy': startObjectProxy,
  'swift.keepers': startObjectKeepers,
  'glance.api': startImage,
  'cinder.api': startVolumeApi,
  'cinder.scheduler': startScheduler,
  'cinder.volume': startVolume,
  'cinder.backup': startBackup,
}
