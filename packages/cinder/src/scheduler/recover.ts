import type { MessageContext } from '@hearth/bus'
import { uuid } from '@hearth/core'
import { scheduleMigration, scheduleRetype, schedulerTarget, scheduleVolume } from '../model/topics.ts'
import type { MigrationRequest } from '../model/volumes/tasks.ts'
import type { SchedulerDeps } from './schedule.ts'

/**
 * Casts the work that waits for the scheduler again: volumes without a pool, retypes and migrations. A message that is
 * still in the queue repeats the work at most once more, which handlers allow.
 */
export async function recoverScheduling(deps: SchedulerDeps): Promise<void> {
  const { database, bus } = deps
  const waiting = await database
    .query('volumes')
    .where((either) =>
      either
        .where((creating) => creating.where({ status: 'creating' }).whereNull('host'))
        .orWhere({ status: 'retyping' })
        .orWhere({ migration_status: 'starting' }),
    )
    .select('id', 'status', 'attempts', 'migration_status', 'task')
  if (waiting.length === 0) return
  const context: MessageContext = { requestId: `req-${uuid()}`, userId: null, projectId: null }
  await database.transaction(async (tx) => {
    for (const { id, status, attempts, migration_status, task } of waiting) {
      const { migrateTo: host } = JSON.parse(task ?? '{}') as Partial<MigrationRequest>
      if (migration_status === 'starting')
        await bus.cast(tx, scheduleMigration, schedulerTarget, { volumeId: id, host: host ?? 'unknown' }, context)
      else if (status === 'retyping') await bus.cast(tx, scheduleRetype, schedulerTarget, { volumeId: id }, context)
      else {
        const payload = { volumeId: id, attempt: attempts, excluded: [] }
        await bus.cast(tx, scheduleVolume, schedulerTarget, payload, context)
      }
    }
  })
}
