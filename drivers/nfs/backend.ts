import { type DriverDeps, DriverError, isDriverError, type VolumeRef } from '@hearth/driver'
import { exists } from './chain.ts'
import { checkVolumeName } from './info-file.ts'
import { type LocatedVolume, openInspector } from './inspect.ts'
import { openShare, type Share } from './share.ts'
import { chooseShare, ineligible, readUsage, type Usage } from './usage.ts'
import { openVolumeLocks, type VolumeLocks } from './volume-locks.ts'
import type { VolumeOptions } from './volume-options.ts'

/** The shares of one backend, with their usage and the share of each known volume. */
export interface Backend {
  options: VolumeOptions
  shares: Share[]
  locks: VolumeLocks
  /**
   * Returns the volume, or null when it is on no share. Skips the share `except`, unless the volume was last seen
   * there. Throws `unavailable` while a share that may have the volume is down.
   */
  find(volume: VolumeRef, except?: Share): Promise<LocatedVolume | null>
  /** Same as `find`, but throws `not-found` instead of returning null. */
  get(volume: VolumeRef): Promise<LocatedVolume>
  /**
   * The share that `providerLocation` names; without it, the share where the volume was last seen. Throws `invalid`
   * when `providerLocation` is not a share of this backend.
   */
  knownShare(volume: VolumeRef): Share | undefined
  /** Records the share of the volume; null: the volume is gone. */
  remember(name: string, share: Share | null): void
  /** Reads the usage of a share now. */
  freshUsage(share: Share): Promise<Usage>
  /** Returns the usage of a share, at most 15 seconds old. */
  cachedUsage(share: Share): Promise<Usage>
  /** Drops the cached usage: the next `cachedUsage` reads it again. */
  forgetUsage(share: Share): void
  /** Chooses the share for a new volume. Throws `no-space` or `unavailable`. */
  choose(bytes: number): Promise<Share>
  /** Throws `no-space` when the share cannot take `bytes` more. */
  ensureRoom(share: Share, bytes: number): Promise<void>
}

/** Milliseconds; long enough that a hundred simultaneous requests share one reading. */
const usageMs = 15_000

/** Opens all shares of the options. Does not mount them. */
export function openBackend(options: VolumeOptions, deps: DriverDeps): Backend {
  const shares = options.shares.map((given) => openShare(given, { ...options, ...deps }))
  const usages = openUsages()
  const locator = openLocator(shares, options)
  return {
    options,
    shares,
    locks: openVolumeLocks(),
    ...locator,
    async get(volume) {
      const found = await locator.find(volume)
      if (found) return found
      throw new DriverError('not-found', `There is no ${volume.name}`)
    },
    freshUsage: readUsage,
    ...usages,
    async choose(bytes) {
      const looks = await Promise.allSettled(shares.map(usages.cachedUsage))
      const offers = shares.map((share, i) => {
        const look = looks[i]!
        return { share, usage: look.status === 'fulfilled' ? look.value : look.reason }
      })
      const share = chooseShare(offers, bytes, options)
      ;(await usages.cachedUsage(share)).allocatedBytes += bytes
      return share
    },
    async ensureRoom(share, bytes) {
      const seen = await usages.cachedUsage(share)
      const why = ineligible(seen, bytes, options)
      if (why === null) {
        seen.allocatedBytes += bytes
        return
      }
      throw new DriverError(why === seen.unwritable ? 'unavailable' : 'no-space', `${share.name}: ${why}`)
    },
  }
}

function openUsages(): Pick<Backend, 'cachedUsage' | 'forgetUsage'> {
  const seen = new Map<string, { at: number; look: Promise<Usage> }>()
  return {
    cachedUsage(share) {
      const last = seen.get(share.name)
      if (last && performance.now() - last.at < usageMs) return last.look
      const look = readUsage(share)
      seen.set(share.name, { at: performance.now(), look })
      // Failures and read-only states are not cached: a share that can be written again is used at once.
      look.then(
        ({ unwritable }) => unwritable !== null && seen.delete(share.name),
        () => seen.delete(share.name),
      )
      return look
    },
    forgetUsage(share) {
      seen.delete(share.name)
    },
  }
}

function openLocator(shares: Share[], { format }: VolumeOptions): Pick<Backend, 'find' | 'knownShare' | 'remember'> {
  const lastShares = new Map<string, Share>()
  const inspectors = new Map(shares.map((share) => [share, openInspector(share, format)]))
  const lookAt = async (share: Share, name: string): Promise<LocatedVolume | null> => {
    const found = await inspectors.get(share)!(name)
    if (!exists(found)) return null
    lastShares.set(name, share)
    return found
  }
  const knownShare = ({ name, providerLocation }: VolumeRef): Share | undefined => {
    if (!providerLocation) return lastShares.get(name)
    const share = shares.find((one) => one.name === providerLocation)
    if (share) return share
    const where = JSON.stringify(providerLocation)
    throw new DriverError('invalid', `${name} is on ${where}, which is not a share of this backend`)
  }
  return {
    knownShare,
    remember(name, share) {
      if (share) lastShares.set(name, share)
      else lastShares.delete(name)
    },
    async find(volume, except) {
      const { name, providerLocation } = volume
      checkVolumeName(name)
      const last = knownShare(volume)
      const there = last && (await lookAt(last, name))
      if (there || providerLocation) return there ?? null
      lastShares.delete(name)
      const others = shares.filter((share) => share !== last && share !== except)
      const looks = await Promise.allSettled(others.map((share) => lookAt(share, name)))
      const found = looks.flatMap((look) => (look.status === 'fulfilled' && look.value ? [look.value] : []))
      if (found[0]) return found[0]
      const failed = looks.find((look) => look.status === 'rejected')
      if (failed) throw failed.reason
      return null
    },
  }
}

/** Converts GiB to bytes. Throws `invalid` unless the size is a whole number from 1 to 8388608. */
export function checkSize(name: string, sizeGiB: number): number {
  if (Number.isInteger(sizeGiB) && sizeGiB > 0 && sizeGiB <= 2 ** 23) return sizeGiB * 1024 ** 3
  throw new DriverError('invalid', `${name}: a size of ${sizeGiB} GiB; it must be a whole number from 1 to 8388608`)
}

/** Throws `aborted` when the signal has fired. */
export function stopIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted before it began`)
}

/** True when the error says that a share is down. */
export function isShareDown(error: unknown): error is DriverError {
  return isDriverError(error) && error.kind === 'unavailable'
}

/** True when the share itself failed (it is down or full), so that another share may succeed. */
export function isShareFailure(error: unknown): error is DriverError {
  return isShareDown(error) || (isDriverError(error) && error.kind === 'no-space')
}
