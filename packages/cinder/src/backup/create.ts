import type { MessageContext } from '@hearth/bus'
import { move } from '@hearth/database'
import { type BackupStore, DriverError, isDriverError } from '@hearth/driver'
import { releaseSource } from '../model/backups/release.ts'
import { backupStates } from '../model/backups/states.ts'
import { type BackupRow, findBackup, getBackup } from '../model/backups/store.ts'
import { addMessage } from '../model/messages/store.ts'
import { findVolume, readMetadata, type VolumeRow } from '../model/volumes/store.ts'
import type { BackupDeps } from './deps.ts'
import {
  blockBytes,
  hashesName,
  metadataName,
  readHashes,
  type VolumeMeta,
  writeHashes,
  writeMetadata,
} from './format/format.ts'
import { purgeObjects, writeObjects } from './objects.ts'
import { dropTemporary, openSource } from './source.ts'
import { backupCheck } from './wanted.ts'
import { deleteWhole, isWhole, saveWhole } from './whole.ts'

/** Saves the bytes of a backup in `creating`. After a crash it starts again and first removes the old objects. */
export async function createBackup(context: MessageContext, input: { backupId: string }, deps: BackupDeps) {
  await deps.exclusive(input.backupId, () =>
    deps.slots.run(async () => {
      const backup = await findBackup(deps.database.query, input.backupId)
      if (backup?.status === 'creating') await create(context, backup, deps)
    }),
  )
}

async function create(context: MessageContext, backup: BackupRow, deps: BackupDeps): Promise<void> {
  let store: BackupStore | undefined
  try {
    store = await deps.store(backup.project_id)
    const saved = await save(backup, store, deps)
    if (!(await dropTemporary(backup, deps))) throw new DriverError('failed', 'the temporary snapshot stays behind')
    await deps.database.transaction(async (tx) => {
      const set = { ...saved, service: deps.service, fail_reason: null }
      const to = 'available'
      const from = 'creating'
      const ended = await move(tx, { table: 'backups', id: backup.id, to, states: backupStates, from, set })
      if (ended) await releaseSource(tx, backup)
    })
  } catch (error) {
    if (deps.signal.aborted) throw error
    await giveUp(context, backup, store, error, deps)
  }
}

/** Stores the backup and returns the columns to set in its row. */
async function save(backup: BackupRow, store: BackupStore, deps: BackupDeps): Promise<Partial<BackupRow>> {
  const volume = await findVolume(deps.database.query, backup.volume_id)
  if (!volume) throw new DriverError('not-found', `volume ${backup.volume_id} is gone`)
  await store.prepare(backup.container!)
  await purgeObjects(backup, store)
  const meta = await volumeMeta(volume, deps)
  return (await saveWhole(backup, volume, meta, store, deps)) ?? (await saveObjects(backup, volume, meta, store, deps))
}

async function saveObjects(
  backup: BackupRow,
  volume: VolumeRow,
  meta: VolumeMeta,
  store: BackupStore,
  deps: BackupDeps,
): Promise<Partial<BackupRow>> {
  const container = backup.container!
  const prefix = backup.service_metadata!
  const before = await hashesBefore(backup, store, deps)
  const check = backupCheck(backup, deps)
  const length = backup.size * 2 ** 30
  const source = await openSource(backup, volume, deps)
  const { objects, sha256s } = await writeObjects({ backup, source, length, store, before, check }, deps).finally(() =>
    source.close(),
  )
  await store.put(container, hashesName(prefix), writeHashes(backup, sha256s), deps.signal)
  await store.put(container, metadataName(prefix), writeMetadata(backup, objects, meta), deps.signal)
  return { object_count: objects.length, ...(before === null ? { parent_id: null } : {}) }
}

/** The block hashes of the backup that this one builds on; null for a full one, as after a parent without hashes. */
async function hashesBefore(backup: BackupRow, store: BackupStore, deps: BackupDeps): Promise<string[] | null> {
  if (backup.parent_id === null) return null
  const parent = await getBackup(deps.database.query, backup.parent_id)
  if (isWhole(parent)) return null
  const document = await store.get(parent.container!, hashesName(parent.service_metadata!), deps.signal)
  const hashes = readHashes(document)
  if (hashes.blockBytes !== blockBytes) {
    throw new DriverError('invalid', `the parent backup has hash blocks of ${hashes.blockBytes} bytes`)
  }
  return hashes.sha256s
}

async function volumeMeta(volume: VolumeRow, deps: BackupDeps): Promise<VolumeMeta> {
  const q = deps.database.query
  const { id, name, description, size, bootable, volume_type_id, availability_zone, multiattach } = volume
  return {
    version: 2,
    'volume-base-metadata': {
      id,
      display_name: name,
      display_description: description,
      size,
      bootable,
      volume_type_id,
      availability_zone,
      multiattach,
    },
    'volume-metadata': await readMetadata(q, id, 'user'),
    'volume-glance-metadata': await readMetadata(q, id, 'image'),
  }
}

/** Removes the stored bytes, releases the source, and writes a message to the owner; the backup ends in `error`. */
async function giveUp(
  context: MessageContext,
  backup: BackupRow,
  store: BackupStore | undefined,
  error: unknown,
  deps: BackupDeps,
): Promise<void> {
  const { database, log } = deps
  log.error({ err: error, backupId: backup.id, requestId: context.requestId }, 'a backup could not be made')
  if (store) {
    const undo = purgeObjects(backup, store).then(() => deleteWhole(backup, store!, deps))
    await undo.catch((problem: unknown) => {
      log.warn({ err: problem, backupId: backup.id }, 'objects of a failed backup stay until it is deleted')
    })
  }
  await dropTemporary(backup, deps)
  const reason = isDriverError(error) ? error.message : 'The backup could not be made.'
  await database.transaction(async (tx) => {
    const set = { fail_reason: reason.slice(0, 255) }
    const from = 'creating'
    if (!(await move(tx, { table: 'backups', id: backup.id, to: 'error', states: backupStates, from, set }))) return
    await releaseSource(tx, backup)
    await addMessage(tx, {
      projectId: backup.project_id,
      action: 'create-backup',
      detail: 'backup-failed',
      resourceType: 'VOLUME_BACKUP',
      resourceId: backup.id,
      requestId: context.requestId,
    })
  })
}
