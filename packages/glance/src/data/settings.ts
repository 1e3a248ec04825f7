import { openNetworks } from '@hearth/core'
import { defaultVmdkTypes } from './formats/vmdk.ts'
import { defaultUriFilter, type UriFilter } from './uri-filter.ts'

/** Limits and switches, under upstream's names in camel case and with its defaults. */
export interface Settings {
  /** Bytes; 1 TiB. */
  imageSizeCap: number
  /** Bytes an owner may store, every copy counted; 0 is no limit. */
  userStorageQuota: number
  /** −1 is no limit, here and below. */
  imagePropertyQuota: number
  imageTagQuota: number
  imageMemberQuota: number
  imageLocationQuota: number
  limitParamDefault: number
  apiLimitMax: number
  showImageDirectUrl: boolean
  showMultipleLocations: boolean
  /** Lets users register web addresses as locations, as upstream's http store does: the service will fetch them. */
  webLocations: boolean
  /** False lets content differ from the claimed disk format; unsafe content is refused all the same. */
  requireImageFormatMatch: boolean
  vmdkAllowedTypes: readonly string[]
  /** Import methods on offer, of glance-direct, web-download, copy-image and glance-download. */
  enabledImportMethods: readonly string[]
  /** Keeps downloaded images on this host as well. */
  imageCache: boolean
  /** Bytes. */
  imageCacheMaxSize: number
  /** URLs that web-download may fetch. */
  uriFilter: UriFilter
}

const defaultSettings: Settings = {
  imageSizeCap: 2 ** 40,
  userStorageQuota: 0,
  imagePropertyQuota: 128,
  imageTagQuota: 128,
  imageMemberQuota: 128,
  imageLocationQuota: 10,
  limitParamDefault: 25,
  apiLimitMax: 1000,
  showImageDirectUrl: false,
  showMultipleLocations: false,
  webLocations: false,
  requireImageFormatMatch: true,
  vmdkAllowedTypes: defaultVmdkTypes,
  enabledImportMethods: ['glance-direct', 'web-download', 'copy-image', 'glance-download'],
  imageCache: false,
  imageCacheMaxSize: 10 * 2 ** 30,
  uriFilter: defaultUriFilter,
}

/** Settings that differ from the defaults. */
export type SettingsOverride = Partial<Omit<Settings, 'uriFilter'>> & { uriFilter?: Partial<UriFilter> }

/** Throws ConfigError for a network that is none. */
export function openSettings(override: SettingsOverride = {}): Settings {
  openNetworks(override.uriFilter?.allowedNetworks ?? [], 'image.limits.uriFilter.allowedNetworks')
  return { ...defaultSettings, ...override, uriFilter: { ...defaultUriFilter, ...override.uriFilter } }
}

/** True when `count` is within a quota where a negative number means none. */
export function within(quota: number, count: number): boolean {
  return quota < 0 || count <= quota
}
