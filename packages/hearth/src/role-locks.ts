import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type ExclusiveLock, errorTable, hasCode, takeExclusiveLock } from '@hearth/core'

const errors = errorTable({
  AlreadyRunning: [409, '{role} with this data folder is running already ({owner}); stop it with: hearth down'],
})

/**
 * Takes the kernel's lock of each role in the data folder's `run` folder: every role has at most one process, and
 * processes with other roles may run beside it. Throws AlreadyRunning, with `params.pid` of the process that has the
 * role.
 */
export async function lockRoles(runFolder: string, roles: string[]): Promise<ExclusiveLock> {
  const folder = join(runFolder, 'locks')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const held: ExclusiveLock[] = []
  const release = (): void => {
    for (const lock of held.splice(0)) lock.release()
  }
  for (const role of roles) {
    try {
      held.push(await takeExclusiveLock(join(folder, role)))
    } catch (error) {
      release()
      if (!hasCode(error, 'Locked')) throw error
      const { pid } = error.params
      const owner = pid === undefined ? 'another process' : `process ${pid}`
      throw errors.AlreadyRunning({ role, owner, ...(pid === undefined ? {} : { pid }) }, error)
    }
  }
  return { release }
}
