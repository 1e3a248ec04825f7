import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../cloud/session.ts'
import { deleteVolume, listVolumes } from '../cloud/volumes.ts'

/** One kind of request, ready to be repeated. */
interface Journey {
  step(index: number): Promise<void>
  /** Bytes that each step moves; 0 where that says nothing. */
  bytesEach: number
  /** Removes what the journey has made. */
  end(): Promise<void>
}

interface Kind {
  about: string
  begin(session: Session, bytes: number): Promise<Journey>
}

const binary = { 'content-type': 'application/octet-stream' }
const nothing = async (): Promise<void> => {}
const unique = (): string => `load-${randomBytes(4).toString('hex')}`

export const journeys: Record<string, Kind> = {
  'token-issue': {
    about: 'log in with a password',
    begin: async (session) => ({ step: () => session.authenticate(), bytesEach: 0, end: nothing }),
  },
  'object-put': { about: 'write objects of --size', begin: (session, bytes) => objects(session, bytes, 'PUT') },
  'object-get': { about: 'read objects of --size', begin: (session, bytes) => objects(session, bytes, 'GET') },
  'image-upload': { about: 'create an image, upload --size, delete it', begin: imageUpload },
  'image-download': { about: 'download an image of --size', begin: imageDownload },
  'image-list': { about: 'list images', begin: (session) => listing(session, 'image', '/images?limit=100') },
  'volume-list': {
    about: 'list volumes with details',
    begin: (session) => listing(session, 'volume', '/volumes/detail?limit=100'),
  },
  'volume-create': { about: 'create a blank volume of 1 GiB, wait, delete it', begin: volumeCreate },
}

async function listing(session: Session, service: 'image' | 'volume', path: string): Promise<Journey> {
  return { step: async () => void (await session.call(service, 'GET', path)), bytesEach: 0, end: nothing }
}

async function objects(session: Session, bytes: number, method: 'PUT' | 'GET'): Promise<Journey> {
  const container = `/${unique()}`
  const body = randomBytes(bytes)
  const made = new Set<string>()
  const put = async (path: string): Promise<void> => {
    await session.call('object', 'PUT', path, { body, headers: binary })
    made.add(path)
  }
  await session.call('object', 'PUT', container)
  const toRead = 64
  if (method === 'GET') for (let index = 0; index < toRead; index++) await put(`${container}/${index}`)
  return {
    bytesEach: bytes,
    async step(index) {
      if (method === 'PUT') return put(`${container}/${index}`)
      await drain(session, 'object', `${container}/${index % toRead}`)
    },
    async end() {
      const paths = [...made]
      const remove = async (): Promise<void> => {
        for (let path = paths.pop(); path !== undefined; path = paths.pop())
          await session.call('object', 'DELETE', path, { allow: [404] })
      }
      await Promise.all(Array.from({ length: 8 }, remove))
      await session.call('object', 'DELETE', container)
    },
  }
}

async function drain(session: Session, service: 'object' | 'image', path: string): Promise<void> {
  const answer = await session.call(service, 'GET', path, { stream: true, headers: { accept: '*/*' } })
  for await (const _ of answer.body);
}

async function uploadedImage(session: Session, body: Buffer): Promise<string> {
  const json = { name: unique(), disk_format: 'raw', container_format: 'bare' }
  const { id } = (await session.call('image', 'POST', '/images', { json })).json<{ id: string }>()
  await session.call('image', 'PUT', `/images/${id}/file`, { body, headers: binary })
  return id
}

async function imageUpload(session: Session, bytes: number): Promise<Journey> {
  const body = randomBytes(bytes)
  return {
    bytesEach: bytes,
    async step() {
      await session.call('image', 'DELETE', `/images/${await uploadedImage(session, body)}`)
    },
    end: nothing,
  }
}

async function imageDownload(session: Session, bytes: number): Promise<Journey> {
  const id = await uploadedImage(session, randomBytes(bytes))
  return {
    bytesEach: bytes,
    step: () => drain(session, 'image', `/images/${id}/file`),
    end: async () => void (await session.call('image', 'DELETE', `/images/${id}`)),
  }
}

async function volumeCreate(session: Session): Promise<Journey> {
  const name = unique()
  const waitWhile = async (id: string, statuses: string[]): Promise<string | null> => {
    for (;;) {
      const answer = await session.call('volume', 'GET', `/volumes/${id}`, { allow: [404] })
      if (answer.status === 404) return null
      const { status } = answer.json<{ volume: { status: string } }>().volume
      if (!statuses.includes(status)) return status
      await sleep(20)
    }
  }
  return {
    bytesEach: 0,
    async step() {
      const created = await session.call('volume', 'POST', '/volumes', { json: { volume: { name, size: 1 } } })
      const { id } = created.json<{ volume: { id: string } }>().volume
      const status = await waitWhile(id, ['creating', 'downloading'])
      if (status !== 'available') throw new Error(`volume went to ${status}`)
      await deleteVolume(session, id)
      await waitWhile(id, ['deleting', 'available'])
    },
    async end() {
      const left = (await listVolumes(session)).filter((volume) => volume.name === name)
      for (const volume of left) await deleteVolume(session, volume.id)
    },
  }
}
