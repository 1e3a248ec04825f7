import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forgetIdentity } from './identity.ts'

/**
 * Requests of an operator for a device. `accept`: use the disk that is mounted now, and fill it from its peers.
 * `rebuild`: set its index aside and fill it from its peers.
 */
export type DeviceRequest = 'accept' | 'rebuild'

/** Present on a device until it holds all that its peers have for it. */
export const fillingFile = 'filling'
/** Present on a device whose index was found unreadable; says why. */
export const damagedFile = 'damaged'

const pathOf = (records: string, id: string, request: DeviceRequest) => join(records, `${id}.${request}`)

/** Leaves a request for the process that has the device, which looks every few seconds and at its start. */
export async function leaveRequest(records: string, id: string, request: DeviceRequest): Promise<void> {
  await mkdir(records, { recursive: true, mode: 0o700 })
  await writeFile(pathOf(records, id, request), '', { mode: 0o600 })
}

/**
 * Carries out the requests for a device after `shut` has closed it. Each step may be repeated. Returns true if there
 * was one.
 */
export async function takeRequests(
  { id, folder, records }: { id: string; folder: string; records: string },
  shut: () => Promise<void>,
): Promise<boolean> {
  const asked: DeviceRequest[] = []
  for (const request of ['accept', 'rebuild'] as const)
    if (await stat(pathOf(records, id, request)).catch(() => null)) asked.push(request)
  if (asked.length === 0) return false
  await shut()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(join(folder, fillingFile), '', { mode: 0o600 })
  if (asked.includes('accept')) await forgetIdentity(records, id)
  if (asked.includes('rebuild')) await putIndexAside(folder)
  for (const request of asked) await rm(pathOf(records, id, request), { force: true })
  return true
}

/** Renames the index with its log; one that was put aside before goes. */
async function putIndexAside(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^index\.db(-wal|-shm)?$/.test(name))
  for (const name of names) await rename(join(folder, name), join(folder, `damaged-${name}`))
  await rm(join(folder, damagedFile), { force: true })
}
