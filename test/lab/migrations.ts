import { migrations as bus } from '@hearth/bus'
import { migrations as cinder } from '@hearth/cinder'
import type { Migration } from '@hearth/database'
import { migrations as glance } from '@hearth/glance'
import { migrations as keystone } from '@hearth/keystone'

/** The migrations of everything that keeps its state in a database. */
export const services: Record<string, readonly Migration[]> = { bus, cinder, glance, keystone }
