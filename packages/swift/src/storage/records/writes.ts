import { deleteAccount, postAccount, putAccount, recordStats } from './accounts.ts'
import { deleteContainer, markReported, postContainer, putContainer, recordEntry } from './containers.ts'
import { deleteObject, dropObject, postObject, putObject, undoPut } from './objects.ts'
import type { WriteName, WriteOperations, WriteReply } from './operations.ts'
import type { WriteContext } from './write-context.ts'

const done: WriteReply = { status: 'done', timestamp: '' }

type Writes = { [K in WriteName]: (context: WriteContext, input: WriteOperations[K][0]) => WriteOperations[K][1] }

/** Every changing operation; they run in the device's worker, inside a transaction. */
export const writes: Writes = {
  putObject,
  undoPut,
  dropObject,
  postObject,
  deleteObject,
  recordEntries(context, { updates }) {
    for (const update of updates) recordEntry(context, update)
    return done
  },
  putContainer,
  postContainer,
  deleteContainer,
  putAccount,
  postAccount,
  deleteAccount,
  recordStats({ db }, { stats }) {
    for (const entry of stats) recordStats(db, entry)
    return done
  },
  markReported,
  forgetPending({ db }, { ids }) {
    for (const id of ids) db.sql('DELETE FROM pending WHERE id = ?').run(id)
    return done
  },
  setWatermark({ db }, { device, timestamp }) {
    db.sql('INSERT OR REPLACE INTO watermarks VALUES (?, ?)').run(device, timestamp)
    return done
  },
  reclaim({ db }, { before, limit }) {
    const objects = db
      .sql('DELETE FROM objects WHERE id IN (SELECT id FROM objects WHERE deleted = 1 AND ts < ? LIMIT ?)')
      .run(before, limit)
    const entries = db
      .sql(
        `DELETE FROM entries WHERE (container_id, deleted, name) IN
           (SELECT container_id, deleted, name FROM entries WHERE deleted = 1 AND ts < ? LIMIT ?)`,
      )
      .run(before, limit)
    return { removed: objects.changes + entries.changes }
  },
}
