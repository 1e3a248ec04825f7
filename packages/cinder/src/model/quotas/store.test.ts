import { uuid } from '@hearth/core'
import { type Database, migrate, openDatabase } from '@hearth/database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import {
  checkVolumeSize,
  giveQuota,
  readUsages,
  recount,
  renameTypeResources,
  takeQuota,
  writeClassLimits,
  writeLimits,
} from './store.ts'

let database: Database
beforeAll(async () => {
  database = await openDatabase('sqlite::memory:')
  await migrate(database, 'cinder', migrations)
  await database.query('volume_types').insert({
    id: 'gold-id',
    name: 'gold',
    is_public: true,
    created_at: 1,
    updated_at: 1,
  })
})
afterAll(() => database.close())

const used = async (projectId: string) => {
  const usages = await readUsages(database.query, projectId)
  return Object.fromEntries([...usages].filter(([, { inUse }]) => inUse !== 0).map(([key, { inUse }]) => [key, inUse]))
}
const volume = (projectId: string, gigabytes: number) => ({ projectId, deltas: { volumes: 1, gigabytes } })

test('usage is counted for the project and for the volume type', async () => {
  await database.transaction((tx) => takeQuota(tx, { ...volume('p1', 4), volumeTypeName: 'gold' }))
  expect(await used('p1')).toEqual({ volumes: 1, gigabytes: 4, volumes_gold: 1, gigabytes_gold: 4 })
  await database.transaction((tx) => giveQuota(tx, { ...volume('p1', 4), volumeTypeName: 'gold' }))
  expect(await used('p1')).toEqual({})
})

test('the tenth volume fits in a limit of ten and the eleventh does not', async () => {
  for (let n = 0; n < 10; n += 1) await database.transaction((tx) => takeQuota(tx, volume('p2', 1)))
  const eleventh = database.transaction((tx) => takeQuota(tx, volume('p2', 1)))
  await expect(eleventh).rejects.toMatchObject({
    code: 'VolumeLimitExceeded',
    status: 413,
    message: "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.",
    headers: { 'Retry-After': '0' },
  })
  expect(await used('p2')).toEqual({ volumes: 10, gigabytes: 10 })
})

test('of many takers at once exactly as many succeed as the limit allows', async () => {
  const takers = Array.from({ length: 25 }, () => database.transaction((tx) => takeQuota(tx, volume('p3', 1))))
  const results = await Promise.allSettled(takers)
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
  expect(await used('p3')).toEqual({ volumes: 10, gigabytes: 10 })
})

test('too many gigabytes name what is asked, allowed and consumed', async () => {
  await database.transaction((tx) => writeLimits(tx, 'p4', new Map([['gigabytes', 5]])))
  await database.transaction((tx) => takeQuota(tx, volume('p4', 3)))
  await expect(database.transaction((tx) => takeQuota(tx, volume('p4', 3)))).rejects.toThrow(
    'Requested 3G, quota is 5G and 3G has been consumed.',
  )
})

test("a type's own limit holds although the project's is not reached", async () => {
  await database.transaction((tx) => writeLimits(tx, 'p5', new Map([['volumes_gold', 0]])))
  const take = database.transaction((tx) => takeQuota(tx, { ...volume('p5', 1), volumeTypeName: 'gold' }))
  await expect(take).rejects.toThrow("exceeded for quota 'volumes_gold'")
  expect(await used('p5')).toEqual({})
})

test('giving back works where a limit was lowered below the usage', async () => {
  await database.transaction((tx) => takeQuota(tx, volume('p6', 2)))
  await database.transaction((tx) => writeLimits(tx, 'p6', new Map([['gigabytes', 1]])))
  await database.transaction((tx) => takeQuota(tx, { projectId: 'p6', deltas: { gigabytes: -1 } }))
  expect(await used('p6')).toEqual({ volumes: 1, gigabytes: 1 })
})

test('one volume may not be larger than per_volume_gigabytes', async () => {
  await database.transaction((tx) => writeClassLimits(tx, 'default', new Map([['per_volume_gigabytes', 7]])))
  await checkVolumeSize(database.query, 'p7', 7)
  await expect(checkVolumeSize(database.query, 'p7', 8)).rejects.toMatchObject({ code: 'VolumeSizeExceedsLimit' })
  await database.query('quota_classes').delete()
})

test('limits and usage of a type follow its name', async () => {
  await database.transaction((tx) => takeQuota(tx, { ...volume('p8', 2), volumeTypeName: 'gold' }))
  await database.query('volume_types').where({ id: 'gold-id' }).update({ name: 'silver' })
  await database.transaction((tx) => renameTypeResources(tx, 'gold', 'silver'))
  expect(await used('p8')).toEqual({ volumes: 1, gigabytes: 2, volumes_silver: 1, gigabytes_silver: 2 })
})

test('a recount of the rows leaves out volumes that do not consume quota', async () => {
  const row = { project_id: 'p9', user_id: 'u', size: 3, status: 'available', created_at: 1 }
  await database.query('volumes').insert([
    { ...row, id: uuid(), volume_type_id: 'gold-id', use_quota: true },
    { ...row, id: uuid(), use_quota: false },
  ])
  await database.query('snapshots').insert({ ...row, id: uuid(), volume_id: 'v', volume_type_id: null })
  expect(Object.fromEntries(await recount(database.query, 'p9'))).toEqual({
    volumes: 1,
    gigabytes: 6,
    volumes_silver: 1,
    gigabytes_silver: 3,
    snapshots: 1,
  })
})
