import { own } from '@hearth/core'
import { meetsSpec } from './extra-spec.ts'
import type { Pool } from './pools.ts'
import type { PlacementRequest } from './request.ts'

/**
 * Returns true if the pool's capabilities meet all extra specs without a scope or with the scope `capabilities`
 * (cinder/scheduler/filters/capabilities_filter.py), and the pool can extend attached volumes if the request needs it.
 */
export function capabilitiesFilter(pool: Pool, request: PlacementRequest): boolean {
  if (request.isOnlineExtend && pool.capabilities.online_extend_support === false) return false
  return Object.entries(request.type.extraSpecs).every(([key, wanted]) => {
    const scope = key.split(':')
    if (scope.length > 1 && scope[0] !== 'capabilities') return true
    const path = scope[0] === 'capabilities' ? scope.slice(1) : scope
    return matches(valueAt(pool.capabilities, path), wanted)
  })
}

function valueAt(capabilities: Record<string, unknown>, path: string[]): unknown {
  let value: unknown = capabilities
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = own(value as Record<string, unknown>, key)
  }
  return value
}

const protocols = [
  ['iSCSI', 'iscsi'],
  ['FC', 'fc', 'fibre_channel'],
  ['NFS', 'nfs'],
  ['NVMe-oF', 'nvmeof', 'NVMeOF'],
]

function matches(value: unknown, wanted: string): boolean {
  if (value === undefined || value === null) return false
  const spellings = protocols.find((names) => names.includes(String(value)))
  if (spellings) return spellings.some((name) => meetsSpec(name, wanted))
  return Array.isArray(value) ? value.some((item) => meetsSpec(item, wanted)) : meetsSpec(value, wanted)
}
