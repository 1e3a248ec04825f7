import { type ServiceSession, sendWithToken, sessionErrors } from '@hearth/auth'
import { isHearthError } from '@hearth/core'

/** What block storage asks Nova. */
export interface ComputeClient {
  /**
   * Attachment id that the server uses for the volume; null when there is no such server or attachment. Throws
   * NoEndpoint where the catalog has no Compute service, and what else kept it from being asked.
   */
  attachmentOf(serverId: string, volumeId: string): Promise<string | null>
  /**
   * Tells Nova that an attached volume has grown; failures are the caller's to log. Nothing is told where there is no
   * Nova.
   */
  volumeExtended(serverIds: string[], volumeId: string): Promise<void>
  /** Tells Nova that an image was written over a volume of servers that wait for it; as volumeExtended. */
  volumeReimaged(serverIds: string[], volumeId: string): Promise<void>
}

/** The versions that cinder/compute/nova.py asks for. */
const [volumeIdVersion, extendVersion, reimageVersion] = ['compute 2.89', 'compute 2.51', 'compute 2.93'] as const

/** True for the error of a cloud without Compute service. */
export function isNoCompute(error: unknown): boolean {
  return isHearthError(error) && error.code === sessionErrors.NoEndpoint().code
}

/** Speaks to the Compute endpoint of the catalog as the service user. */
export function openComputeClient(session: ServiceSession): ComputeClient {
  const send = async (path: string, version: string, body?: unknown): Promise<Response> => {
    const endpoint = await session.endpoint('compute')
    return sendWithToken(session, (token) =>
      fetch(`${endpoint}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { 'x-auth-token': token, 'openstack-api-version': version, 'content-type': 'application/json' },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(30_000),
      }),
    )
  }
  const sendEvents = async (name: string, version: string, serverIds: string[], volumeId: string): Promise<void> => {
    const events = serverIds.map((server_uuid) => ({ name, server_uuid, tag: volumeId }))
    const response = await send('/os-server-external-events', version, { events }).catch((error: unknown) => {
      if (!isNoCompute(error)) throw error
    })
    if (response && !response.ok) throw new Error(`compute answered ${response.status}`)
    await response?.body?.cancel()
  }
  return {
    async attachmentOf(serverId, volumeId) {
      const path = `/servers/${encodeURIComponent(serverId)}/os-volume_attachments/${volumeId}`
      const response = await send(path, volumeIdVersion)
      if (response.status === 404) return null
      if (!response.ok) throw new Error(`compute answered ${response.status}`)
      const { volumeAttachment } = (await response.json()) as { volumeAttachment: { attachment_id: string } }
      return volumeAttachment.attachment_id
    },
    volumeExtended: (serverIds, volumeId) => sendEvents('volume-extended', extendVersion, serverIds, volumeId),
    volumeReimaged: (serverIds, volumeId) => sendEvents('volume-reimaged', reimageVersion, serverIds, volumeId),
  }
}
