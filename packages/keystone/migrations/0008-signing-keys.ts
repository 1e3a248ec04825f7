import { addColumns, type Migration } from '@hearth/database'

/** Keys are replaced over time. A retired key stays until the tokens that it signed have expired. */
export const signingKeys: Migration = {
  name: '0008-signing-keys',
  async up(tx) {
    await addColumns(tx, 'signing_keys', {
      retired_at: (table) => table.bigInteger('retired_at'),
      token_seconds: (table) => table.bigInteger('token_seconds').notNullable().defaultTo(0),
    })
  },
}
