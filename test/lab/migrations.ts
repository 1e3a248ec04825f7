import { migrations as bus } from '@hearth/bus'
import type { Migration } from '@hearth/database'

/** The migrations of everything that keeps its state in a database. */
export const services: Record<string, readonly Migration[]> = { bus }
