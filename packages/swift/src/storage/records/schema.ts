import type { Sqlite } from './sqlite.ts'

/**
 * Everything a device holds, in one file, so that an object and its line in the container listing share a commit.
 * Times are Swift timestamps (text that sorts by time), hashes the 16 bytes that place a name in the ring.
 */
const tables = `
CREATE TABLE IF NOT EXISTS objects (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  ts TEXT NOT NULL,
  meta_ts TEXT NOT NULL,
  deleted INTEGER NOT NULL,
  size INTEGER NOT NULL,
  etag TEXT NOT NULL,
  type TEXT NOT NULL,
  delete_at INTEGER,
  metadata TEXT NOT NULL,
  sysmeta TEXT NOT NULL,
  file TEXT,
  sums BLOB,
  body BLOB
);
CREATE INDEX IF NOT EXISTS objects_expiring ON objects (delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS objects_deleted ON objects (ts) WHERE deleted = 1;
CREATE INDEX IF NOT EXISTS objects_changed ON objects (meta_ts);
CREATE TABLE IF NOT EXISTS containers (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  account TEXT NOT NULL,
  name TEXT NOT NULL,
  created_ts TEXT NOT NULL,
  put_ts TEXT NOT NULL,
  delete_ts TEXT NOT NULL,
  metadata TEXT NOT NULL,
  object_count INTEGER NOT NULL,
  bytes_used INTEGER NOT NULL,
  unreported INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS containers_unreported ON containers (id) WHERE unreported = 1;
CREATE TABLE IF NOT EXISTS entries (
  container_id INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  name TEXT NOT NULL,
  ts TEXT NOT NULL,
  meta_ts TEXT NOT NULL,
  size INTEGER NOT NULL,
  type TEXT NOT NULL,
  etag TEXT NOT NULL,
  PRIMARY KEY (container_id, deleted, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
  id INTEGER PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  name TEXT NOT NULL,
  created_ts TEXT NOT NULL,
  put_ts TEXT NOT NULL,
  delete_ts TEXT NOT NULL,
  metadata TEXT NOT NULL,
  container_count INTEGER NOT NULL,
  object_count INTEGER NOT NULL,
  bytes_used INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS account_entries (
  account_id INTEGER NOT NULL,
  deleted INTEGER NOT NULL,
  name TEXT NOT NULL,
  put_ts TEXT NOT NULL,
  delete_ts TEXT NOT NULL,
  object_count INTEGER NOT NULL,
  bytes_used INTEGER NOT NULL,
  PRIMARY KEY (account_id, deleted, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
  id INTEGER PRIMARY KEY,
  device INTEGER NOT NULL,
  update_json TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS watermarks (
  device TEXT PRIMARY KEY,
  ts TEXT NOT NULL
);
`

/** Sets the durability the engine promises (every commit reaches the disk) and makes the tables. */
export function prepareDevice(db: Sqlite): void {
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.pragma('wal_autocheckpoint = 2000')
  db.pragma('cache_size = -4000')
  db.exec(tables)
}
