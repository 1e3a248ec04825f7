import { type DriverDeps, DriverError, isDriverError, type VolumeRef } from '@hearth/driver'
import { exists } from './chain.ts'
import { checkVolumeName } from './info-file.ts'
import { type LocatedVolume, openInspector } from './inspect.ts'
import { openShare, type Share } from './share.ts'
import { openTurns, type Turns } from './turns.ts'
import { chooseShare, ineligible, readUsage, type Usage } from './usage.ts'
import type { VolumeOptions } from './volume-options.ts'

/** The shares of one backend and what is known of them. */
export interface Backend {
  options: VolumeOptions
  shares: Share[]
  turns: Turns
  /**
   * Where the volume is, null when it is on no share, `besides` not asked unless it was there last. Throws `unavailable`
   * while a share that may have it is down.
   */
  find(volume: VolumeRef, besides?: Share): Promise<LocatedVolume | null>
  /** As `find`; throws `not-found`. */
  need(volume: VolumeRef): Promise<LocatedVolume>
  /** The share that the volume is said to be on, or was on last. Throws `invalid` for one that is none of these. */
  place(volume: VolumeRef): Share | undefined
  /** Where the volume has come to; null when it is gone. */
  remember(name: string, share: Share | null): void
  /** Looks at a share. */
  look(share: Share): Promise<Usage>
  /** As `look`, or what was seen a moment ago. */
  usage(share: Share): Promise<Usage>
  /** Has the next `usage` look again. */
  forget(share: Share): void
  /** The share for a new volume. Throws `no-space` or `unavailable`. */
  choose(bytes: number): Promise<Share>
  /** Throws `no-space` when the share cannot take so much more. */
  ensureRoom(share: Share, bytes: number): Promise<void>
}

/** Long enough for a hundred requests at once to share one look. */
const usageMs = 15_000

export function openBackend(options: VolumeOptions, deps: DriverDeps): Backend {
  const shares = options.shares.map((given) => openShare(given, { ...options, ...deps }))
  const { usage, forget } = openUsages()
  const locator = openLocator(shares, options)
  return {
    options,
    shares,
    turns: openTurns(),
    ...locator,
    async need(volume) {
      const found = await locator.find(volume)
      if (found) return found
      throw new DriverError('not-found', `There is no ${volume.name}`)
    },
    look: readUsage,
    usage,
    forget,
    async choose(bytes) {
      const looks = await Promise.allSettled(shares.map(usage))
      const offers = shares.map((share, i) => {
        const look = looks[i]!
        return { share, usage: look.status === 'fulfilled' ? look.value : look.reason }
      })
      const share = chooseShare(offers, bytes, options)
      ;(await usage(share)).allocatedBytes += bytes
      return share
    },
    async ensureRoom(share, bytes) {
      const seen = await usage(share)
      const why = ineligible(seen, bytes, options)
      if (why === null) {
        seen.allocatedBytes += bytes
        return
      }
      throw new DriverError(why === seen.unwritable ? 'unavailable' : 'no-space', `${share.name}: ${why}`)
    },
  }
}

function openUsages(): Pick<Backend, 'usage' | 'forget'> {
  const seen = new Map<string, { at: number; look: Promise<Usage> }>()
  return {
    usage(share) {
      const last = seen.get(share.name)
      if (last && performance.now() - last.at < usageMs) return last.look
      const look = readUsage(share)
      seen.set(share.name, { at: performance.now(), look })
      // A share that can be written to again is to be used at once.
      look.then(
        ({ unwritable }) => unwritable !== null && seen.delete(share.name),
        () => seen.delete(share.name),
      )
      return look
    },
    forget(share) {
      seen.delete(share.name)
    },
  }
}

function openLocator(shares: Share[], { format }: VolumeOptions): Pick<Backend, 'find' | 'place' | 'remember'> {
  const places = new Map<string, Share>()
  const inspectors = new Map(shares.map((share) => [share, openInspector(share, format)]))
  const lookAt = async (share: Share, name: string): Promise<LocatedVolume | null> => {
    const found = await inspectors.get(share)!(name)
    if (!exists(found)) return null
    places.set(name, share)
    return found
  }
  const place = ({ name, providerLocation }: VolumeRef): Share | undefined => {
    if (!providerLocation) return places.get(name)
    const share = shares.find((one) => one.name === providerLocation)
    if (share) return share
    const where = JSON.stringify(providerLocation)
    throw new DriverError('invalid', `${name} is on ${where}, none of the backend's shares`)
  }
  return {
    place,
    remember(name, share) {
      if (share) places.set(name, share)
      else places.delete(name)
    },
    async find(volume, besides) {
      const { name, providerLocation } = volume
      checkVolumeName(name)
      const last = place(volume)
      const there = last && (await lookAt(last, name))
      if (there || providerLocation) return there ?? null
      places.delete(name)
      const others = shares.filter((share) => share !== last && share !== besides)
      const looks = await Promise.allSettled(others.map((share) => lookAt(share, name)))
      const found = looks.flatMap((look) => (look.status === 'fulfilled' && look.value ? [look.value] : []))
      if (found[0]) return found[0]
      const failed = looks.find((look) => look.status === 'rejected')
      if (failed) throw failed.reason
      return null
    },
  }
}

/** Throws `invalid` for a size that no volume has. GiB. */
export function checkSize(name: string, sizeGiB: number): number {
  if (Number.isInteger(sizeGiB) && sizeGiB > 0 && sizeGiB <= 2 ** 23) return sizeGiB * 1024 ** 3
  throw new DriverError('invalid', `${name}: a size of ${sizeGiB} GiB; it must be a whole number from 1 to 8388608`)
}

export function stopIfAborted(signal: AbortSignal | undefined, what: string): void {
  if (signal?.aborted) throw new DriverError('aborted', `${what}: aborted before it began`)
}

export function isShareDown(error: unknown): error is DriverError {
  return isDriverError(error) && error.kind === 'unavailable'
}

/** Whether the failure is a share's, so that another may do. */
export function isShareTrouble(error: unknown): error is DriverError {
  return isShareDown(error) || (isDriverError(error) && error.kind === 'no-space')
}
