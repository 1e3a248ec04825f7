import { createIndex, type Migration } from '@hearth/database'

/** Finds the volumes that are made of a volume or a snapshot. */
export const copies: Migration = {
  name: '0009-copies',
  async up(tx) {
    for (const column of ['source_volid', 'snapshot_id']) await createIndex(tx, 'volumes', column)
  },
}
