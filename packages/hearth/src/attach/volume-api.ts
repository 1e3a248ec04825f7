import type { ServiceSession } from '@hearth/auth'
import { certificateProblem, errorTable, isHearthError } from '@hearth/core'
import type { ConnectionInfo } from '@hearth/driver'
import { authoritySettings } from './login.ts'

const errors = errorTable({
  NoAnswer: [503, 'block storage at {url} does not answer; check the address, then repeat the command'],
  NotAccepted: [503, 'the certificate of block storage at {url} is not accepted ({settings}): {problem}'],
  Refused: [400, 'block storage refused to {deed}: {reason}'],
  NoSuchVolume: [404, 'there is no volume {volume}; openstack volume list tells which there are'],
  SeveralVolumes: [409, 'several volumes are called {volume}: name one by its id: {ids}'],
})

export interface Volume {
  id: string
  name: string | null
  status: string
  multiattach: boolean
}

export interface Attachment {
  id: string
  status: string
  instance: string | null
  /** Flat, as in the API's response. */
  connection_info?: Record<string, unknown>
}

/** The calls of the block storage API that attaching needs. */
export interface VolumeApi {
  /** By id, else by name. */
  find(nameOrId: string): Promise<Volume>
  attachments(volumeId: string): Promise<Attachment[]>
  /** Null when it is gone. */
  attachment(id: string): Promise<Attachment | null>
  attach(volumeId: string, connector: Record<string, unknown>, mode: 'rw' | 'ro'): Promise<Attachment>
  connect(attachmentId: string, connector: Record<string, unknown>): Promise<Attachment>
  complete(attachmentId: string): Promise<void>
  /** Succeeds also when the attachment does not exist. */
  detach(attachmentId: string): Promise<void>
}

/** The first version that takes a mode with an attachment. */
const version = 'volume 3.54'

/** Opens a client of the block storage API with a service login. */
export function openVolumeApi(session: ServiceSession): VolumeApi {
  const ask = opener(session)
  const attachmentOf = (answer: Answer): Attachment => answer.body.attachment as Attachment
  return {
    async find(nameOrId) {
      const byId = await ask(
        'show the volume',
        'GET',
        `/volumes/${encodeURIComponent(nameOrId)}`,
        undefined,
        [404, 400],
      )
      if (byId.ok) return byId.body.volume as Volume
      const listed = await ask('list volumes', 'GET', `/volumes/detail?name=${encodeURIComponent(nameOrId)}`)
      const [first, ...others] = listed.body.volumes as Volume[]
      if (!first) throw errors.NoSuchVolume({ volume: nameOrId })
      const ids = [first, ...others].map(({ id }) => id).join(', ')
      if (others.length > 0) throw errors.SeveralVolumes({ volume: nameOrId, ids })
      return first
    },
    async attachments(volumeId) {
      const { body } = await ask('list attachments', 'GET', `/attachments?volume_id=${volumeId}`)
      return body.attachments as Attachment[]
    },
    async attachment(id) {
      const answer = await ask('show the attachment', 'GET', `/attachments/${id}`, undefined, [404])
      return answer.ok ? attachmentOf(answer) : null
    },
    async attach(volumeId, connector, mode) {
      const attachment = { volume_uuid: volumeId, instance_uuid: null, connector, mode }
      return attachmentOf(await ask('attach the volume', 'POST', '/attachments', { attachment }))
    },
    async connect(id, connector) {
      return attachmentOf(await ask('connect the volume', 'PUT', `/attachments/${id}`, { attachment: { connector } }))
    },
    async complete(id) {
      await ask('complete the attachment', 'POST', `/attachments/${id}/action`, { 'os-complete': {} })
    },
    async detach(id) {
      await ask('delete the attachment', 'DELETE', `/attachments/${id}`, undefined, [404])
    },
  }
}

interface Answer {
  ok: boolean
  body: Record<string, unknown>
}

type Ask = (deed: string, method: string, path: string, body?: object, bear?: number[]) => Promise<Answer>

function opener(session: ServiceSession): Ask {
  return async (deed, method, path, body, bear = []) => {
    const base = await session.endpoint('volumev3')
    const headers: Record<string, string> = {
      'x-auth-token': await session.token(),
      'openstack-api-version': version,
      ...(body && { 'content-type': 'application/json' }),
    }
    const request = { method, headers, ...(body && { body: JSON.stringify(body) }) }
    const response = await fetch(`${base}${path}`, request).catch((cause: unknown) => {
      const problem = certificateProblem(cause)
      if (problem !== null) throw errors.NotAccepted({ url: base, settings: authoritySettings, problem }, cause)
      throw errors.NoAnswer({ url: base }, cause)
    })
    const text = await response.text()
    const parsed = parseJson(text)
    if (!response.ok && !bear.includes(response.status)) {
      const fault = Object.values(parsed)[0] as { message?: string } | undefined
      throw errors.Refused({ deed, reason: fault?.message ?? `status ${response.status}` })
    }
    return { ok: response.ok, body: parsed }
  }
}

function parseJson(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** The nested form that connectors take. */
export function nestedConnection(flat: Record<string, unknown>): ConnectionInfo {
  const { driver_volume_type, attachment_id: _id, mount_point_base: _base, ...data } = flat
  return { driver_volume_type: String(driver_volume_type), data }
}

/** The service has responded with a refusal. */
export function isRefusal(error: unknown): boolean {
  return isHearthError(error) && error.code === 'Refused'
}
