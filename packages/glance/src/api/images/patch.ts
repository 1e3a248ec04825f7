import { own } from '@hearth/core'
import type { Schema } from '@hearth/http'
import { glanceErrors } from '../../model/errors.ts'
import { refuseReadOnly } from './attributes.ts'
import { imageProperties } from './schema.ts'
import { checkValue } from './value.ts'

export interface Change {
  op: 'add' | 'replace' | 'remove'
  /** First the attribute; for `locations` perhaps an index or `-`. */
  path: string[]
  value?: unknown
  /** Draft-4 spelling, in which an existing property cannot be added. */
  strictAdd: boolean
}

const newType = 'application/openstack-images-v2.1-json-patch'
const oldType = 'application/openstack-images-v2.0-json-patch'
const operations = ['add', 'replace', 'remove'] as const
const bad = (reason: string) => glanceErrors.BadRequest({ reason })

/** The error for any other media type: 415 with the ones accepted. */
export const acceptPatch = { 'accept-patch': `${oldType}, ${newType}` }

/**
 * Reads a JSON-patch body in either spelling: `[{op, path, value}]` (v2.1) or `[{add: '/x', value}]` (v2.0). Throws
 * UnsupportedMediaType (415), BadRequest (400), or 403 for attributes that clients may not write.
 */
export function parsePatch(contentType: string | undefined, body: unknown): Change[] {
  if (contentType !== newType && contentType !== oldType) {
    throw glanceErrors.UnsupportedMediaType({ reason: `Expected ${oldType} or ${newType}` })
  }
  if (!Array.isArray(body)) throw bad('Request body must be a JSON array of operation objects.')
  return body.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
      throw bad('Operations must be JSON objects.')
    const change = readEntry(entry as Record<string, unknown>, contentType === oldType)
    checkChange(change)
    return change
  })
}

function readEntry(entry: Record<string, unknown>, old: boolean): Change {
  const [op, pointer] = old ? readOldEntry(entry) : [entry.op, entry.path]
  const known = operations.find((name) => name === op)
  if (!known) throw bad(`Operations must be one of ${operations.join(', ')}: ${JSON.stringify(op)}.`)
  if (typeof pointer !== 'string') throw bad(`Operation '${known}' needs a path.`)
  if (known !== 'remove' && !('value' in entry)) throw bad(`Operation '${known}' requires a member named 'value'.`)
  return { op: known, path: readPointer(pointer), value: entry.value, strictAdd: old }
}

function readOldEntry(entry: Record<string, unknown>): [unknown, unknown] {
  const names = ['add', 'replace', 'remove', 'move', 'copy', 'test'].filter((name) => Object.hasOwn(entry, name))
  if (names.length !== 1) throw bad('Operation objects must contain exactly one operation.')
  return [names[0], own(entry, names[0]!)]
}

function readPointer(pointer: string): string[] {
  if (!pointer.startsWith('/')) throw bad(`Pointer '${pointer}' does not start with "/".`)
  if (pointer.length > 1 && pointer.endsWith('/')) throw bad(`Pointer '${pointer}' ends with "/".`)
  if (pointer.includes('//')) throw bad(`Pointer '${pointer}' contains adjacent "/".`)
  if (/~(?![01])/.test(pointer))
    throw bad(`Pointer '${pointer}' contains "~" not part of a recognized escape sequence.`)
  const path = pointer
    .slice(1)
    .split('/')
    .map((part) => part.trim().replaceAll('~1', '/').replaceAll('~0', '~'))
  if (path[0] === '') throw bad(`Pointer '${pointer}' names nothing.`)
  const deepest = path[0] === 'locations' ? 2 : 1
  if (path.length > deepest) throw bad(`Invalid JSON pointer for this resource: '${pointer}'`)
  return path
}

/** The schema of a base attribute, or of a custom property. */
function schemaOf(name: string): Schema {
  return (Object.hasOwn(imageProperties, name) ? imageProperties[name] : undefined) ?? { type: 'string' }
}

function checkChange({ op, path, value }: Change): void {
  const name = path[0]!
  if (name === 'id') throw glanceErrors.ReadOnlyAttribute({ name })
  refuseReadOnly(name)
  if (op === 'remove' || name === 'locations') return
  checkValue(name, value, schemaOf(name))
}
