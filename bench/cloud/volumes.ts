import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Session } from './session.ts'

interface VolumeSummary {
  id: string
  name: string
  status: string
}

/** The connection that an initiator uses, e.g. `{ driver_volume_type: 'iscsi', target_portal, target_iqn, … }`. */
export type ConnectionInfo = Record<string, unknown>

interface NewVolume {
  name: string
  sizeGiB: number
  imageId: string
  volumeType: string | null
}

/** Requests a volume from an image; returns its id as soon as the cloud has accepted the request. */
export async function createVolume(session: Session, volume: NewVolume): Promise<string> {
  const type = volume.volumeType === null ? {} : { volume_type: volume.volumeType }
  const answer = await session.call('volume', 'POST', '/volumes', {
    json: { volume: { name: volume.name, size: volume.sizeGiB, imageRef: volume.imageId, ...type } },
  })
  return answer.json<{ volume: { id: string } }>().volume.id
}

/** Returns all volumes of the project, read page by page. */
export async function listVolumes(session: Session): Promise<VolumeSummary[]> {
  const all: VolumeSummary[] = []
  for (let marker = ''; ; ) {
    const path = `/volumes/detail?limit=1000${marker && `&marker=${marker}`}`
    const page = (await session.call('volume', 'GET', path)).json<{
      volumes: VolumeSummary[]
      volumes_links?: { rel: string }[]
    }>()
    all.push(...page.volumes)
    const more = page.volumes_links?.some((link) => link.rel === 'next')
    if (!more || page.volumes.length === 0) return all
    marker = page.volumes.at(-1)!.id
  }
}

/** Returns the cloud's user message about why a volume went to error; null when there is none. */
export async function failureOf(session: Session, volumeId: string): Promise<string | null> {
  const answer = await session.call('volume', 'GET', `/messages?resource_uuid=${volumeId}`, { allow: [403, 404] })
  if (answer.status !== 200) return null
  const { messages } = answer.json<{ messages: { user_message: string }[] }>()
  return messages[0]?.user_message ?? null
}

interface Attachment {
  id: string
  connection: ConnectionInfo
}

/**
 * Reserves, connects and completes an attachment in the three calls that Nova makes. Passes the id to `created` after
 * the first call, so that the caller can clean up when a later one fails.
 */
export async function attachVolume(
  session: Session,
  volumeId: string,
  created: (attachmentId: string) => void,
): Promise<Attachment> {
  // Only a service may delete an attachment that has a server (CVE-2023-2088); without one its owner may delete it.
  const instance = session.isService ? { instance_uuid: randomUUID() } : {}
  const reserved = await session.call('volume', 'POST', '/attachments', {
    json: { attachment: { volume_uuid: volumeId, ...instance } },
  })
  const { id } = reserved.json<{ attachment: { id: string } }>().attachment
  created(id)
  const updated = await session.call('volume', 'PUT', `/attachments/${id}`, { json: { attachment: { connector } } })
  const info = updated.json<{ attachment: { connection_info: ConnectionInfo } }>().attachment.connection_info
  await session.call('volume', 'POST', `/attachments/${id}/action`, { json: { 'os-complete': null } })
  // Some releases nest the driver's connection under `data`.
  return { id, connection: { ...info, ...(info.data as ConnectionInfo | undefined) } }
}

/** Initiator name of the connector and of the login: a target may accept only the name that the connector gave. */
export const initiatorName = 'iqn.2010-10.org.openstack:bench'

const connector = {
  host: hostname(),
  ip: '127.0.0.1',
  initiator: initiatorName,
  platform: 'x86_64',
  os_type: 'linux',
  multipath: false,
  mountpoint: '/dev/vda',
  mode: 'rw',
}

/** Deletes an attachment; succeeds when it does not exist. */
export async function detachVolume(session: Session, attachmentId: string): Promise<void> {
  await session.call('volume', 'DELETE', `/attachments/${attachmentId}`, { allow: [404] })
}

/** Requests the deletion of a volume; succeeds when it does not exist. */
export async function deleteVolume(session: Session, volumeId: string): Promise<void> {
  await session.call('volume', 'DELETE', `/volumes/${volumeId}`, { allow: [404] })
}
