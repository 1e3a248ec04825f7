import type { IncomingMessage } from 'node:http'
import { type Band, inBand, type Microversions, negotiate } from './microversion.ts'

/** The name of a band inside the router. */
export const bandKey = (band: Band): string => `${band.from}:${band.to ?? ''}`

function readBandKey(key: string): Band {
  const [from = '', to = ''] = key.split(':')
  return { from, to: to === '' ? null : to }
}

/** Version asked for by a request; undefined where the header is no good. Results are remembered per header text. */
export function versionReader(versions: Microversions): (header: string | undefined) => string | undefined {
  const known = new Map<string | undefined, string | undefined>()
  return (header) => {
    if (known.has(header)) return known.get(header)
    const negotiated = negotiate(header, versions)
    const version = negotiated.ok ? negotiated.version : undefined
    if (known.size < 1000) known.set(header, version)
    return version
  }
}

/** A fastify routing constraint that picks the band a request's microversion lies in. */
export function bandConstraint(versions: Microversions | undefined): Record<string, never> {
  if (!versions) return {}
  const read = versionReader(versions)
  const strategy = {
    name: 'microversion',
    storage() {
      const bands: { band: Band; handler: unknown }[] = []
      return {
        get: (version: string) => bands.find(({ band }) => inBand(version, band))?.handler ?? null,
        set: (key: string, handler: unknown) => {
          bands.push({ band: readBandKey(key), handler })
        },
      }
    },
    deriveConstraint: (request: IncomingMessage) =>
      read(request.headers['openstack-api-version'] as string | undefined),
  }
  return { microversion: strategy as never }
}
