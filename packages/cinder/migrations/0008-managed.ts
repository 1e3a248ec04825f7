import { addColumns, createTable, type Migration } from '@hearth/database'

/** Backend objects that volumes and snapshots have taken over under another name, and those given out of our hands. */
export const managed: Migration = {
  name: '0008-managed',
  async up(tx) {
    for (const table of ['volumes', 'snapshots']) {
      await addColumns(tx, table, { backend_name: (t) => t.string('backend_name', 255) })
    }
    await createTable(tx, 'unmanaged_objects', (t) => {
      t.string('host', 200).notNullable()
      t.string('name', 255).notNullable()
      t.primary(['host', 'name'])
    })
  },
}
