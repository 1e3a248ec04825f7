import type { ImageStore } from '@hearth/driver'
import { glanceErrors } from '../model/errors.ts'

/** One place for image bytes, as configured. */
export interface StoreEntry {
  /** Name users see and may choose by. */
  id: string
  store: ImageStore
  /** Store of images whose client names none. Exactly one entry has it. */
  default: boolean
  /** Kind of driver: file, swift, rbd … */
  type: string
  description?: string
  /** Stores of more weight are read first. */
  weight?: number
  readOnly?: boolean
}

export interface Stores {
  all: readonly StoreEntry[]
  default: StoreEntry
  find(id: string | null): StoreEntry | undefined
}

/** Throws when no or more than one store is the default, or an id is double. */
export function openStores(entries: readonly StoreEntry[]): Stores {
  const defaults = entries.filter((entry) => entry.default)
  if (defaults.length !== 1) throw new Error(`exactly one image store must be the default, not ${defaults.length}`)
  const byId = new Map(entries.map((entry) => [entry.id, entry]))
  if (byId.size !== entries.length) throw new Error('two image stores have the same id')
  return { all: entries, default: defaults[0]!, find: (id) => (id === null ? undefined : byId.get(id)) }
}

/** The store a client named in X-Image-Meta-Store, or the default. Throws BadRequest (400). */
export function chooseStore(stores: Stores, id: string | undefined): StoreEntry {
  if (id === undefined || id === '') return stores.default
  const entry = stores.find(id)
  if (!entry) throw glanceErrors.BadRequest({ reason: `Store for identifier ${id} not found` })
  if (entry.readOnly) throw glanceErrors.BadRequest({ reason: `Store ${id} is read-only` })
  return entry
}
