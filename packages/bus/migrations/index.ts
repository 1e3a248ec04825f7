import type { Migration } from '@hearth/database'
import { outbox } from './0001-outbox.ts'

/** The outbox; `openBus` applies them by itself, under the name `bus`. */
export const migrations: Migration[] = [outbox]
