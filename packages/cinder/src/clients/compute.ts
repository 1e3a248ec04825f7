import type { ServiceSession } from '@hearth/driver'

/** What block storage asks Nova. */
export interface ComputeClient {
  /** Attachment id that the server uses for the volume; null when there is no such server or attachment. */
  attachmentOf(serverId: string, volumeId: string): Promise<string | null>
  /** Tells Nova that an attached volume has grown; failures are the caller's to log. */
  volumeExtended(serverIds: string[], volumeId: string): Promise<void>
}

const volumeIdVersion = 'compute 2.89'
const extendVersion = 'compute 2.51'

/** Speaks to the Compute endpoint of the catalog as the service user. */
export function openComputeClient(session: ServiceSession): ComputeClient {
  const ask = async (path: string, version: string, body?: unknown): Promise<Response> =>
    fetch(`${await session.endpoint('compute')}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'x-auth-token': await session.token(),
        'openstack-api-version': version,
        'content-type': 'application/json',
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    })
  return {
    async attachmentOf(serverId, volumeId) {
      const response = await ask(`/servers/${serverId}/os-volume_attachments/${volumeId}`, volumeIdVersion)
      if (response.status === 404) return null
      if (!response.ok) throw new Error(`compute answered ${response.status}`)
      const { volumeAttachment } = (await response.json()) as { volumeAttachment: { attachment_id: string } }
      return volumeAttachment.attachment_id
    },
    async volumeExtended(serverIds, volumeId) {
      const events = serverIds.map((server_uuid) => ({ name: 'volume-extended', server_uuid, tag: volumeId }))
      const response = await ask('/os-server-external-events', extendVersion, { events })
      if (!response.ok) throw new Error(`compute answered ${response.status}`)
    },
  }
}
