import type { MessageContext } from '@hearth/bus'
import { uuid } from '@hearth/core'
import { scheduleRetype, schedulerTarget, scheduleVolume } from '../topics.ts'
import type { SchedulerDeps } from './schedule.ts'

/**
 * Asks again for whatever waits for the scheduler: volumes without a place, and retypes. Messages that are still under way do the same
 * thing twice at most, which the handlers bear.
 */
export async function recoverScheduling(deps: SchedulerDeps): Promise<void> {
  const { database, bus } = deps
  const waiting = await database
    .query('volumes')
    .where((either) =>
      either
        .where((creating) => creating.where({ status: 'creating' }).whereNull('host'))
        .orWhere({ status: 'retyping' }),
    )
    .select('id', 'status', 'attempts')
  if (waiting.length === 0) return
  const context: MessageContext = { requestId: `req-${uuid()}`, userId: null, projectId: null }
  await database.transaction(async (tx) => {
    for (const { id, status, attempts } of waiting) {
      if (status === 'retyping') await bus.cast(tx, scheduleRetype, schedulerTarget, { volumeId: id }, context)
      else {
        const payload = { volumeId: id, attempt: attempts, excluded: [] }
        await bus.cast(tx, scheduleVolume, schedulerTarget, payload, context)
      }
    }
  })
}
