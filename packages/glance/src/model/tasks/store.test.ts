import { silentLog } from '@hearth/core'
import { migrate, openDatabase } from '@hearth/database'
import { expect, test } from 'vitest'
import { migrations } from '../../../migrations/index.ts'
import { type RecoverDeps, sweepImages } from '../../imports/recover.ts'
import { beginTask, endTask, findTask, insertTask } from './store.ts'

const task = { type: 'import', owner: 'alpha', userId: 'ada', imageId: null, requestId: null, input: {}, worker: 'one' }

test('the sweep removes tasks that expired, and keeps the others', async () => {
  const database = await openDatabase('sqlite::memory:')
  await migrate(database, 'glance', migrations)
  const { query } = database
  const [running, ended, expired] = [
    await insertTask(query, task),
    await insertTask(query, task),
    await insertTask(query, task),
  ]
  for (const id of [ended, expired]) {
    await beginTask(query, id)
    await endTask(query, id, 'success', '')
  }
  await query('image_tasks').where({ id: expired }).update({ expires_at: 1 })
  const deps = { database, worker: 'one', log: silentLog } as unknown as RecoverDeps
  await sweepImages(deps)
  const left = await Promise.all([running, ended, expired].map((id) => findTask(query, id)))
  expect(left.map((one) => one?.status ?? null)).toEqual(['pending', 'success', null])
  await database.close()
})
