import { own } from '@hearth/core'
import { answer, refuse } from '../../../model/response.ts'
import { findAccount, findContainer, metadataOf } from '../../containers/info.ts'
import type { Feature } from '../feature.ts'

const settings = ['x-account-quota-bytes', 'x-account-quota-count', 'x-account-meta-quota-bytes']
/** Quotas of one storage policy, which do not exist here. */
const byPolicy = /^x-(remove-)?account-quota-(bytes|count)-policy-/
const removals = settings.map((name) => name.replace(/^x-/, 'x-remove-'))

/** Most bytes and objects of an account, set by reseller administrators. */
export const accountQuotas: Feature = {
  name: 'account_quotas',
  capability: {},
  wrap: (next, deps) => async (request) => {
    if (request.container === null && ['PUT', 'POST'].includes(request.method)) {
      const touched = [...settings, ...removals].filter((name) => own(request.headers, name) !== undefined)
      const unknown = Object.keys(request.headers).find((name) => byPolicy.test(name))
      if (touched.length === 0 && unknown === undefined) return next(request)
      const denied = await request.authorize(request, { acl: null })
      if (denied) return denied
      if (!request.reseller) return answer(403)
      if (unknown !== undefined) throw refuse(400, `${unknown}: quotas of a storage policy are not supported.`)
      for (const name of touched) {
        const value = own(request.headers, name)
        if (settings.includes(name) && value && !/^\d+$/.test(value))
          throw refuse(400, name.endsWith('count') ? 'Invalid count quota.' : 'Invalid bytes quota.')
      }
    }
    if (request.object === null || request.method !== 'PUT') return next(request)
    const account = await findAccount(deps, request.account)
    const bytes = metadataOf(account, 'x-account-quota-bytes') ?? metadataOf(account, 'x-account-meta-quota-bytes')
    const count = metadataOf(account, 'x-account-quota-count')
    if (!account || (bytes === null && count === null)) return next(request)
    const container = await findContainer(deps, request.account, request.container!)
    const denied = await request.authorize(request, { acl: metadataOf(container, 'x-container-write') })
    if (denied) return denied
    if (request.reseller) return next(request)
    const tooMuch = bytes !== null && account.bytesUsed + (request.length ?? 0) > Number(bytes)
    const tooMany = count !== null && account.objectCount + 1 > Number(count)
    return tooMuch || tooMany ? answer(413, { text: 'Upload exceeds quota.' }) : next(request)
  },
}
