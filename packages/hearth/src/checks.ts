import { statfs } from 'node:fs/promises'
import type { Bus } from '@hearth/bus'
import type { Database } from '@hearth/database'
import type { Check } from './health.ts'
import { roleNames } from './role-names.ts'

const rolesOf = (service: string): string[] => roleNames.filter((role) => role.startsWith(`${service}.`))

/** Checks that the database of a service responds. */
export const databaseCheck = (service: string, database: Database): Check => ({
  name: `database of ${service}`,
  roles: rolesOf(service),
  async run() {
    await database.query.raw('select 1')
  },
})

/** Whether the message broker is connected. */
export const busCheck = (service: string, bus: Bus): Check => ({
  name: 'bus',
  roles: rolesOf(service),
  async run() {
    if (!bus.isConnected()) throw new Error('the message broker is away; it is tried again')
  },
})

/** With less than this the databases of the data folder cannot be written. */
const leastFreeBytes = 32 * 2 ** 20

/** Whether the data folder has space. */
export const diskCheck = (dataFolder: string): Check => ({
  name: 'disk space',
  async run() {
    const { bavail, bsize } = await statfs(dataFolder)
    const free = bavail * bsize
    if (free < leastFreeBytes) throw new Error(`${Math.floor(free / 2 ** 20)} MiB are free in ${dataFolder}`)
  },
})
