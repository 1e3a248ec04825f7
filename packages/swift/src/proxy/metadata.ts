import { setOwn } from '@hearth/core'
import { refuse } from '../model/response.ts'
import type { TimedMetadata } from '../storage/records/operations.ts'
import type { Limits } from './limits.ts'

type Kind = 'account' | 'container' | 'object'

/** Checks names, sizes and count of the metadata in a request's headers. Throws a 400 with Swift's words. */
export function checkMetadata(headers: Record<string, string>, kind: Kind, limits: Limits): void {
  const prefix = `x-${kind}-meta-`
  let count = 0
  let size = 0
  for (const [name, value] of Object.entries(headers)) {
    if (Buffer.byteLength(value) > limits.max_header_size)
      throw refuse(400, `Header value too long: ${name.slice(0, limits.max_meta_name_length)}`)
    if (!name.startsWith(prefix)) continue
    const key = name.slice(prefix.length)
    const [keyLength, valueLength] = [Buffer.byteLength(key), Buffer.byteLength(value)]
    count++
    size += keyLength + valueLength
    if (keyLength === 0) throw refuse(400, 'Metadata name cannot be empty')
    if (kind !== 'object' && value.includes('\ufffd')) throw refuse(400, 'Metadata must be valid UTF-8')
    if (keyLength > limits.max_meta_name_length) throw refuse(400, `Metadata name too long: ${prefix}${key}`)
    if (valueLength > limits.max_meta_value_length)
      throw refuse(400, `Metadata value longer than ${limits.max_meta_value_length}: ${prefix}${key}`)
    checkSums(count, size, limits)
  }
}

function checkSums(count: number, size: number, limits: Limits): void {
  if (count > limits.max_meta_count) throw refuse(400, `Too many metadata items; max ${limits.max_meta_count}`)
  if (size > limits.max_meta_overall_size)
    throw refuse(400, `Total metadata too large; max ${limits.max_meta_overall_size}`)
}

/**
 * Returns changes to an account's or container's metadata: `X-<Kind>-Meta-*`, the headers that `kept` names, and
 * `X-Remove-*` of both. An empty value deletes.
 */
export function metadataChanges(
  headers: Record<string, string>,
  kind: Kind,
  kept: readonly string[],
  timestamp: string,
): TimedMetadata {
  const changes: TimedMetadata = {}
  const belongs = (name: string) => name.startsWith(`x-${kind}-meta-`) || kept.includes(name)
  for (const [name, value] of Object.entries(headers)) {
    if (belongs(name)) setOwn(changes, name, [value, timestamp])
  }
  for (const name of Object.keys(headers)) {
    if (!name.startsWith('x-remove-')) continue
    const target = `x-${name.slice('x-remove-'.length)}`
    if (belongs(target)) setOwn(changes, target, ['', timestamp])
  }
  return changes
}

/** Refuses changes that would leave more metadata than one account or container may have. */
export function checkTotal(stored: TimedMetadata, changes: TimedMetadata, kind: Kind, limits: Limits): void {
  let count = 0
  let size = 0
  for (const [name, [value]] of Object.entries({ ...stored, ...changes })) {
    if (value === '' || !name.startsWith(`x-${kind}-meta-`)) continue
    count++
    size += Buffer.byteLength(name) - `x-${kind}-meta-`.length + Buffer.byteLength(value)
  }
  if (Object.values(changes).some(([value]) => value !== '')) checkSums(count, size, limits)
}

/** Metadata as response headers; deleted names are left out. */
export function metadataHeaders(metadata: TimedMetadata): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata)
      .filter(([, [value]]) => value !== '')
      .map(([name, [value]]) => [name, value]),
  )
}
