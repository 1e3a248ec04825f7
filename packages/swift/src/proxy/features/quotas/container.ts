import { own } from '@hearth/core'
import { answer, refuse } from '../../../model/response.ts'
import { findContainer, metadataOf } from '../../containers/info.ts'
import type { Feature } from '../feature.ts'

const headers = {
  'x-container-meta-quota-bytes': 'Invalid bytes quota.',
  'x-container-meta-quota-count': 'Invalid count quota.',
}

/** Most bytes and objects of a container, set by its owner. Uploads without a length pass, as in Swift. */
export const containerQuotas: Feature = {
  name: 'container_quotas',
  capability: {},
  wrap: (next, deps) => async (request) => {
    if (request.container !== null && request.object === null && ['PUT', 'POST'].includes(request.method)) {
      for (const [name, reason] of Object.entries(headers)) {
        const value = own(request.headers, name)
        if (value && !/^\d+$/.test(value)) throw refuse(400, reason)
      }
    }
    if (request.object === null || request.method !== 'PUT') return next(request)
    const container = await findContainer(deps, request.account, request.container!)
    const [bytes, count] = [
      metadataOf(container, 'x-container-meta-quota-bytes'),
      metadataOf(container, 'x-container-meta-quota-count'),
    ]
    if (!container || (bytes === null && count === null)) return next(request)
    const denied = await request.authorize(request, { acl: metadataOf(container, 'x-container-write') })
    if (denied) return denied
    const tooMany = count !== null && container.objectCount + 1 > Number(count)
    const tooMuch = bytes !== null && container.bytesUsed + (request.length ?? 0) > Number(bytes)
    return tooMany || tooMuch ? answer(413, { text: 'Upload exceeds quota.' }) : next(request)
  },
}
