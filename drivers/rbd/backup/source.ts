import type { Address, DriverLog } from '@hearth/driver'
import type { Pool } from '../ceph/librados.ts'
import { connectPool, type PoolConnection, type PoolSettings } from '../ceph/pool-connection.ts'

/** Names an image, or a snapshot of one, in any cluster. */
export interface RbdPlace {
  conf?: string
  user: string
  pool: string
  image: string
  snapshot?: string
}

/**
 * Parses qemu's `rbd:pool/image@snapshot:key=value…`; null for other addresses, and for options other than `id`,
 * `conf`.
 */
export function parseRbdAddress({ filename, format }: Address): RbdPlace | null {
  if (format !== 'raw' || !filename.startsWith('rbd:')) return null
  const [path = '', ...settings] = split(filename.slice('rbd:'.length), ':')
  const [pool, rest = ''] = split(path, '/')
  const [image, snapshot] = split(rest, '@')
  if (!pool || !image) return null
  const place: RbdPlace = { user: 'admin', pool: plain(pool), image: plain(image) }
  if (snapshot) place.snapshot = plain(snapshot)
  for (const setting of settings) {
    const [key, value = ''] = split(setting, '=')
    if (key === 'id') place.user = plain(value)
    else if (key === 'conf') place.conf = plain(value)
    else return null
  }
  return place
}

/** Splits at the separators that no backslash escapes. */
function split(text: string, separator: string): string[] {
  const parts = ['']
  for (const [piece] of text.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (piece === separator) parts.push('')
    else parts[parts.length - 1] += piece
  }
  return parts
}

const plain = (text: string): string => text.replace(/\\([\s\S])/g, '$1')

/** Pools of the volumes to back up; each is connected at its first use and stays open. */
export interface Sources {
  pool(place: RbdPlace): Promise<Pool>
  close(): Promise<void>
}

/** Returns the pools of source volumes; `settings` holds what all their connections share. */
export function openSources(settings: Omit<PoolSettings, 'conf' | 'user' | 'pool'>, log: DriverLog): Sources {
  const known = new Map<string, Promise<PoolConnection>>()
  return {
    async pool({ conf, user, pool }) {
      const key = JSON.stringify([conf, user, pool])
      let connection = known.get(key)
      if (!connection) {
        connection = connectPool({ ...settings, user, pool, ...(conf === undefined ? {} : { conf }) }, log)
        known.set(key, connection)
        connection.catch(() => known.delete(key))
      }
      return (await connection).pool()
    },
    async close() {
      for (const connection of known.values()) await (await connection.catch(() => null))?.close()
    },
  }
}
