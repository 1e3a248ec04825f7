import { type FileHandle, open } from 'node:fs/promises'
import { silentLog } from '@hearth/core'
import { type BackupStore, openDriver, openRunner } from '@hearth/driver'
import { startBackup } from './backup/role.ts'
import { recount } from './model/quotas/store.ts'
import { project, startTestCinder, type TestCinder } from './start-for-tests.ts'

/** Block storage with a backup role that can be stopped and started; for tests. */
export interface BackupStage extends TestCinder {
  /** The store that the role uses; tests replace it to inject failures. */
  store: BackupStore
  startRole(): Promise<void>
  stopRole(): Promise<void>
  /** Path of a volume's bytes. */
  pathOf(volumeId: string): Promise<string>
  write(volumeId: string, bytes: Uint8Array, offset: number): Promise<void>
  /** A volume of 1 GiB that is available. */
  makeVolume(fields?: object): Promise<string>
  /** Asks for a backup and waits until it is available. */
  backUp(fields: object): Promise<string>
  /** Pairs of resource, usage by the counters and usage by counting rows. */
  quotaPairs(): Promise<[string, number, number][]>
}

/** Starts the service in this process with an empty backup store; `startRole` starts the backup role. */
export async function startBackupStage(): Promise<BackupStage> {
  const cinder = await startTestCinder()
  const log = silentLog
  const store = await openDriver('backup', '@hearth/driver-memory', {}, { run: openRunner({ log }), log })
  let stop = async () => {}
  const stage: BackupStage = {
    ...cinder,
    ...volumesOf(cinder),
    store,
    async startRole() {
      const bus = await cinder.newBus()
      const backends = [{ name: 'memory', host: 'host1@memory', volume: cinder.volume, export: null }]
      const shared = { backends, database: cinder.database, bus, log, store: async () => stage.store }
      const role = await startBackup({ hostName: 'host1', chunkBytes: 2 ** 22, ...shared })
      stop = async () => {
        await role.close()
        await bus.close()
      }
    },
    stopRole: () => stop(),
    async backUp(fields) {
      const { body } = await cinder.ask('POST', '/backups', { backup: fields })
      await cinder.wait(`/backups/${body.backup.id}`, 'available')
      return body.backup.id
    },
    quotaPairs: () => quotaPairs(cinder),
    async close() {
      await stop()
      await cinder.close()
    },
  }
  const limits = { volumes: 50, gigabytes: 500, backups: 50 }
  await cinder.ask('PUT', `/os-quota-sets/${project}`, { quota_set: limits }, { token: 'admin' })
  await stage.startRole()
  return stage
}

function volumesOf(cinder: TestCinder): Pick<BackupStage, 'pathOf' | 'write' | 'makeVolume'> {
  const pathOf = async (id: string) => (await cinder.volume.address!({ id, name: `volume-${id}`, sizeGiB: 1 })).filename
  return {
    pathOf,
    async write(id, bytes, offset) {
      const file = await open(await pathOf(id), 'r+')
      await file.write(bytes, 0, bytes.length, offset)
      await file.close()
    },
    async makeVolume(fields = {}) {
      const { body } = await cinder.ask('POST', '/volumes', { volume: { size: 1, ...fields } })
      await cinder.wait(`/volumes/${body.volume.id}`, 'available')
      return body.volume.id
    },
  }
}

async function quotaPairs(cinder: TestCinder): Promise<[string, number, number][]> {
  const { body } = await cinder.ask('GET', `/os-quota-sets/${project}?usage=true`)
  const counted = await recount(cinder.database.query, project)
  const usages = Object.entries(body.quota_set as Record<string, { in_use: number }>).filter(([key]) => key !== 'id')
  return usages.map(([key, { in_use }]) => [key, in_use, counted.get(key) ?? 0])
}

const pieceBytes = 2 ** 26
/** Where tests write. */
const windows = [0, 13 * pieceBytes]

/**
 * Returns the offset at which two volumes first differ, in the first 64 MiB and in 64 MiB from 832 MiB on; null when
 * alike.
 */
export async function firstDifference(one: string, other: string): Promise<number | null> {
  const files = await Promise.all([open(one, 'r'), open(other, 'r')])
  const pieces = [Buffer.alloc(pieceBytes), Buffer.alloc(pieceBytes)] as const
  const read = async (file: FileHandle, piece: Buffer, at: number) =>
    (await file.read(piece, 0, pieceBytes, at)).bytesRead === pieceBytes
  let difference: number | null = null
  for (const at of windows) {
    const whole = await Promise.all(files.map((file, n) => read(file, pieces[n]!, at)))
    if (whole.includes(false) || !pieces[0].equals(pieces[1])) difference ??= at
  }
  await Promise.all(files.map((file) => file.close()))
  return difference
}
