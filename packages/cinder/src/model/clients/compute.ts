import { type ServiceSession, sendWithToken, sessionErrors } from '@hearth/auth'
import { isHearthError } from '@hearth/core'

/** The calls that block storage makes to Nova. */
export interface ComputeClient {
  /**
   * Returns the id of the attachment that the server has for the volume; null if there is no such server or attachment.
   * Throws NoEndpoint if the catalog has no Compute service, and the error of a failed request.
   */
  attachmentOf(serverId: string, volumeId: string): Promise<string | null>
  /**
   * Reports to Nova that an attached volume has grown; does nothing in a cloud without Nova. Throws the error of a
   * failed request, which the caller logs.
   */
  volumeExtended(serverIds: string[], volumeId: string): Promise<void>
  /**
   * Reports to Nova that an image was written over the volume of servers that wait for it. Errors as in
   * `volumeExtended`.
   */
  volumeReimaged(serverIds: string[], volumeId: string): Promise<void>
}

/** The microversions that cinder/compute/nova.py requests. */
const [volumeIdVersion, extendVersion, reimageVersion] = ['compute 2.89', 'compute 2.51', 'compute 2.93'] as const

/** Returns true for the error of a cloud without a Compute service. */
export function isNoCompute(error: unknown): boolean {
  return isHearthError(error) && error.code === sessionErrors.NoEndpoint().code
}

/** Returns a client of the Compute endpoint in the catalog, which acts as the service user. */
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
    if (response && !response.ok) throw new Error(`Compute returned status ${response.status}`)
    await response?.body?.cancel()
  }
  return {
    async attachmentOf(serverId, volumeId) {
      const path = `/servers/${encodeURIComponent(serverId)}/os-volume_attachments/${volumeId}`
      const response = await send(path, volumeIdVersion)
      if (response.status === 404) return null
      if (!response.ok) throw new Error(`Compute returned status ${response.status}`)
      const { volumeAttachment } = (await response.json()) as { volumeAttachment: { attachment_id: string } }
      return volumeAttachment.attachment_id
    },
    volumeExtended: (serverIds, volumeId) => sendEvents('volume-extended', extendVersion, serverIds, volumeId),
    volumeReimaged: (serverIds, volumeId) => sendEvents('volume-reimaged', reimageVersion, serverIds, volumeId),
  }
}
