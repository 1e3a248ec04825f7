import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Client } from '../client.ts'
import type { Account, Started } from '../start.ts'

export interface Row {
  id: string
  status: string
  size: number
  name: string
  container?: string
}

/** Everything of block storage and images that a project has. */
export interface Inventory {
  volumes: Row[]
  snapshots: Row[]
  backups: Row[]
  images: Row[]
}

/** Everything a project has now. */
export async function inventory(client: Client): Promise<Inventory> {
  const list = async (path: string, key: string): Promise<Row[]> => (await client.must('volume', 'GET', path)).body[key]
  const images = (await client.must('image', 'GET', '/images?limit=1000')).body.images as Row[]
  const [volumes, snapshots, backups] = await Promise.all([
    list('/volumes/detail', 'volumes'),
    list('/snapshots/detail', 'snapshots'),
    list('/backups/detail', 'backups'),
  ])
  return { volumes: volumes!, snapshots: snapshots!, backups: backups!, images }
}

/** Whether nothing is under way. */
export const settled = ({ volumes, snapshots, backups, images }: Inventory): boolean =>
  [...volumes, ...snapshots, ...backups].every((row) => !/ing$|ing-/.test(row.status)) &&
  images.every((row) => row.status === 'active' || row.status === 'queued')

/** Fails unless the quota usage of the project equals what it has. */
export async function expectQuotaEqualsRecount(client: Client, found: Inventory): Promise<void> {
  const { body } = await client.must('volume', 'GET', `/os-quota-sets/${client.projectId}?usage=true`)
  const sum = (rows: Row[]): number => rows.reduce((total, row) => total + row.size, 0)
  const used = Object.fromEntries(
    ['volumes', 'snapshots', 'gigabytes', 'backups', 'backup_gigabytes'].map((key) => [
      key,
      body.quota_set[key].in_use,
    ]),
  )
  expect(used).toEqual({
    volumes: found.volumes.length,
    snapshots: found.snapshots.length,
    gigabytes: sum(found.volumes) + sum(found.snapshots),
    backups: found.backups.length,
    backup_gigabytes: sum(found.backups),
  })
}

/** Fails when a file, backup object or image object belongs to no row. `service` is the user that stores images. */
export async function expectNoOrphans(
  client: Client,
  service: Client,
  dataFolder: string,
  found: Inventory,
): Promise<void> {
  const known = [...found.volumes, ...found.snapshots].map((row) => row.id)
  const files = readdirSync(join(dataFolder, 'volumes')).filter((name) => /^(volume|snapshot)-/.test(name))
  expect(files.filter((name) => !known.some((id) => name.includes(id)))).toEqual([])
  const containers = await client.must('object', 'GET', '?format=json')
  const backups = found.backups.map((row) => row.id)
  for (const { name } of containers.body as { name: string }[]) {
    const listing = await client.must('object', 'GET', `/${name}?format=json`)
    const orphans = (listing.body as { name: string }[]).filter(
      (object) => !backups.some((id) => object.name.includes(id)),
    )
    expect(orphans.map((object) => object.name)).toEqual([])
  }
  const images = await service.call('object', 'GET', '/glance?format=json')
  const imageIds = found.images.filter((row) => row.status === 'active').map((row) => row.id)
  const segments = images.status === 200 ? (images.body as { name: string }[]) : []
  expect(segments.map((object) => object.name).filter((name) => !imageIds.some((id) => name.includes(id)))).toEqual([])
}

/** The service user whose account holds the images' bytes. */
export function glanceAccount({ dataFolder }: Started): Account {
  const secrets = JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as { glance: string }
  return { username: 'glance', password: secrets.glance, project: 'service' }
}
