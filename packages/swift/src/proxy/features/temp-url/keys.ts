import { findAccount, findContainer, metadataOf } from '../../containers/info.ts'
import type { ProxyDeps } from '../../deps.ts'
import type { SwiftRequest } from '../../request.ts'

export interface SigningKeys {
  account: string[]
  container: string[]
}

/** The keys with which links into the container may be signed. */
export async function signingKeys(request: SwiftRequest, deps: ProxyDeps): Promise<SigningKeys> {
  const account = await findAccount(deps, request.account)
  const container = request.container === null ? null : await findContainer(deps, request.account, request.container)
  const set = (of: typeof account | typeof container, kind: string) =>
    ['', '-2'].map((suffix) => metadataOf(of, `x-${kind}-meta-temp-url-key${suffix}`)).filter((key) => key !== null)
  return { account: set(account, 'account'), container: set(container, 'container') }
}
