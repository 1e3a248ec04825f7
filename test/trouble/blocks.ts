import { createHash } from 'node:crypto'
import type { Client } from '../client.ts'
import type { Caller, Outcome } from './caller.ts'
import type { Random } from './random.ts'

const mostOfAKind = 6
const largestVolumeGib = 4

type Kind = 'volumes' | 'snapshots' | 'backups' | 'images'

/** A resource whose creation was acknowledged. */
interface Known {
  id: string
  kind: Kind
  /** GiB a volume may have: more than one while the reply to an extension was lost. */
  sizes: Set<number>
  /** Of an image whose upload was acknowledged. */
  md5?: string
  /** The volume of a snapshot or backup. */
  volumeId?: string
  removal: 'none' | 'unknown' | 'acknowledged'
}

/** A client of block storage and images that knows what was promised to it. */
export interface BlockClient {
  step(): Promise<void>
  /** Returns what is wrong with the promises, given everything the project has at rest. */
  check(client: Client, found: Record<Kind, { id: string; status: string; size: number }[]>): Promise<string[]>
}

export function openBlockClient(caller: Caller, random: Random): BlockClient {
  let known: Known[] = []
  const alive = (kind: Kind): Known[] => known.filter((item) => item.kind === kind && item.removal === 'none')
  const parse = (reply: Outcome): Record<string, { id: string }> | null =>
    reply && reply.status < 300 ? JSON.parse(reply.bytes.toString()) : null
  const create = async (kind: Kind, path: string, json: unknown, sizeGib: number, volumeId?: string): Promise<void> => {
    const body = parse(await caller.call('volume', 'POST', path, { json }))
    if (!body) return
    const [resource] = Object.values(body)
    known.push({
      id: resource!.id,
      kind,
      sizes: new Set([sizeGib]),
      removal: 'none',
      ...(volumeId ? { volumeId } : {}),
    })
  }
  const sizeOf = (item: Known): number => Math.max(...item.sizes)

  const createVolume = async (): Promise<void> => {
    const kind = random.pick(['blank', 'blank', 'snapshots', 'volumes'] as const)
    const source = kind === 'blank' ? undefined : alive(kind).find((item) => item.sizes.size === 1)
    const size = source ? sizeOf(source) : 1
    const from = source ? { [kind === 'volumes' ? 'source_volid' : 'snapshot_id']: source.id } : {}
    const json = { volume: { size, ...from } }
    if (alive('volumes').length < mostOfAKind) await create('volumes', '/volumes', json, size)
  }
  const extend = async (): Promise<void> => {
    const volume = alive('volumes').find((item) => item.sizes.size === 1 && sizeOf(item) < largestVolumeGib)
    if (!volume) return
    const size = sizeOf(volume) + 1
    const before = volume.sizes
    volume.sizes = new Set([...before, size])
    const json = { 'os-extend': { new_size: size } }
    const reply = await caller.call('volume', 'POST', `/volumes/${volume.id}/action`, { json })
    if (reply) volume.sizes = reply.status === 202 ? new Set([size]) : before
  }
  const derive = async (kind: 'snapshots' | 'backups'): Promise<void> => {
    const volume = alive('volumes')[0]
    if (!volume || volume.sizes.size > 1 || alive(kind).length >= mostOfAKind / 2) return
    const json = { [kind.slice(0, -1)]: { volume_id: volume.id, force: true } }
    await create(kind, `/${kind}`, json, sizeOf(volume), volume.id)
  }
  const remove = async (): Promise<void> => {
    const inUse = new Set(known.filter((item) => item.removal !== 'acknowledged').map((item) => item.volumeId))
    const candidates = known.filter((item) => item.removal === 'none' && !inUse.has(item.id))
    if (candidates.length === 0) return
    const item = random.pick(candidates)
    item.removal = 'unknown'
    const reply = await caller.call(item.kind === 'images' ? 'image' : 'volume', 'DELETE', `/${item.kind}/${item.id}`)
    if (reply) item.removal = reply.status < 300 ? 'acknowledged' : 'none'
  }
  const uploadImage = async (): Promise<void> => {
    if (alive('images').length >= mostOfAKind) return
    const json = { name: 'trouble', disk_format: 'raw', container_format: 'bare' }
    const made = await caller.call('image', 'POST', '/images', { json })
    if (made?.status !== 201) return
    const { id } = JSON.parse(made.bytes.toString()) as { id: string }
    const body = random.bytes(random.below(512 * 1024) + 1)
    const headers = { 'content-type': 'application/octet-stream' }
    const reply = await caller.call('image', 'PUT', `/images/${id}/file`, { body, headers })
    if (reply?.status !== 204) return
    const md5 = createHash('md5').update(body).digest('hex')
    known.push({ id, kind: 'images', sizes: new Set([0]), md5, removal: 'none' })
  }

  return {
    async step() {
      const kind = random.next()
      if (kind < 0.2) await createVolume()
      else if (kind < 0.3) await extend()
      else if (kind < 0.4) await derive('snapshots')
      else if (kind < 0.44) await derive('backups')
      else if (kind < 0.56) await remove()
      else if (kind < 0.65) await uploadImage()
      else if (kind < 0.8) await caller.call('volume', 'GET', '/volumes/detail')
      else await caller.call('image', 'GET', '/images')
    },
    async check(client, found) {
      const wrong: string[] = []
      for (const item of known) {
        const row = found[item.kind].find(({ id }) => id === item.id)
        const status = item.kind === 'images' ? 'active' : 'available'
        const name = `${item.kind}/${item.id}`
        if (item.removal === 'acknowledged' && row) wrong.push(`${name} is back after its deletion: ${row.status}`)
        if (item.removal === 'none' && row?.status !== status) wrong.push(`${name} is ${row?.status ?? 'lost'}`)
        if (row && item.kind === 'volumes' && !item.sizes.has(row.size))
          wrong.push(`${name} has ${row.size} GiB, expected ${[...item.sizes].join(' or ')}`)
        if (row && item.md5) wrong.push(...(await checkBytes(client, item)))
        if (row && item.kind === 'volumes') item.sizes = new Set([row.size])
        if (row) item.removal = 'none'
      }
      known = known.filter((item) => found[item.kind].some(({ id }) => id === item.id))
      return wrong
    },
  }
}

async function checkBytes(client: Client, image: Known): Promise<string[]> {
  const reply = await client.call('image', 'GET', `/images/${image.id}/file`)
  const md5 = createHash('md5').update(reply.bytes).digest('hex')
  return md5 === image.md5 ? [] : [`images/${image.id} has other bytes (status ${reply.status})`]
}
