import { setOwn } from '@hearth/core'
import type { Route, Schema } from './route.ts'

/** A service's microversions, e.g. `{ service: 'volume', min: '3.0', max: '3.71', behaviours: { '3.66': ['…'] } }`. */
export interface Microversions {
  /** Word before the number in the `OpenStack-API-Version` header. */
  service: string
  min: string
  max: string
  /** Version → names of the behaviour switches that are on from there. */
  behaviours: Record<string, string[]>
}

/** Versions `from` ≤ v < `to` in which a route has one shape; `to` null means: to the newest. */
export interface Band {
  from: string
  to: string | null
}

type Negotiated = { ok: true; version: string } | { ok: false; reason: 'malformed' | 'out-of-range' | 'missing' }

/** Compares `3.9` and `3.10` by numbers. */
function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number)
  const [majorB = 0, minorB = 0] = b.split('.').map(Number)
  return majorA - majorB || minorA - minorB
}

/** Next minor version: the first that no longer has something marked `until`. */
function after(version: string): string {
  const [major, minor] = version.split('.')
  return `${major}.${Number(minor) + 1}`
}

/**
 * Reads `OpenStack-API-Version: volume 3.44` (a comma list; `latest` allowed; absent means the minimum), as
 * cinder/api/openstack/wsgi.py does. The first element that contains the service's word counts, so that `volumev3 3.44`
 * does; without one it is `missing`: such methods do not exist (404).
 */
export function negotiate(header: string | undefined, versions: Microversions): Negotiated {
  if (header === undefined) return { ok: true, version: versions.min }
  const element = header.split(',').find((part) => part.includes(versions.service))
  if (element === undefined) return { ok: false, reason: 'missing' }
  const [, wanted = '', ...more] = element.trim().split(/\s+/)
  if (more.length > 0) return { ok: false, reason: 'malformed' }
  if (wanted === 'latest') return { ok: true, version: versions.max }
  if (!/^[1-9]\d*\.(0|[1-9]\d*)$/.test(wanted)) return { ok: false, reason: 'malformed' }
  const inRange = compareVersions(wanted, versions.min) >= 0 && compareVersions(wanted, versions.max) <= 0
  return inRange ? { ok: true, version: wanted } : { ok: false, reason: 'out-of-range' }
}

/** The bands of a route: one for each version at which its rows, body or reply change. */
export function bandsOf(route: Route<never>, versions: Microversions): Band[] {
  const first = route.since ?? versions.min
  const end = route.until ? after(route.until) : null
  const edges = new Set([first])
  for (const schema of [route.body, route.reply]) collectEdges(schema, edges)
  const inside = [...edges]
    .filter((edge) => compareVersions(edge, first) >= 0 && (!end || compareVersions(edge, end) < 0))
    .sort(compareVersions)
  return inside.map((from, index) => ({ from, to: inside[index + 1] ?? end }))
}

/** True when a version is within a band. */
export function inBand(version: string, band: Band): boolean {
  return compareVersions(version, band.from) >= 0 && (band.to === null || compareVersions(version, band.to) < 0)
}

function collectEdges(schema: unknown, edges: Set<string>): void {
  if (typeof schema !== 'object' || schema === null) return
  const marks = schema as Record<string, unknown>
  if (typeof marks['x-since'] === 'string') edges.add(marks['x-since'])
  for (const value of Object.values(schema)) collectEdges(value, edges)
}

/** The schema as it is at one version: marked properties outside of their versions are gone, marks removed. */
export function shapeAt(schema: Schema, version: string): Schema {
  return shape(schema, version) as Schema
}

function shape(node: unknown, version: string): unknown {
  if (Array.isArray(node)) return node.filter((item) => isPresent(item, version)).map((item) => shape(item, version))
  if (typeof node !== 'object' || node === null) return node
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(node)) {
    if (key === 'x-since' || !isPresent(value, version)) continue
    setOwn(result, key, shape(value, version))
  }
  if (Array.isArray(result.required) && typeof result.properties === 'object') {
    const properties = result.properties as Record<string, unknown>
    result.required = result.required.filter((name) => Object.hasOwn(properties, String(name)))
  }
  return result
}

function isPresent(node: unknown, version: string): boolean {
  if (typeof node !== 'object' || node === null) return true
  const { 'x-since': from } = node as Record<string, string | undefined>
  return from === undefined || compareVersions(version, from) >= 0
}

/** Names of the behaviour switches that are on at a version. */
export function behavioursAt(version: string, versions: Microversions): Set<string> {
  const on = Object.entries(versions.behaviours).filter(([from]) => compareVersions(from, version) <= 0)
  return new Set(on.flatMap(([, names]) => names))
}
