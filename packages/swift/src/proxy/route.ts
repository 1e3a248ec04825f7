import { own } from '@hearth/core'
import { answer, type SwiftResponse } from '../model/response.ts'
import { changeAccount } from './accounts/change.ts'
import { getAccount } from './accounts/get.ts'
import { changeContainer, deleteContainer } from './containers/change.ts'
import { getContainer } from './containers/get.ts'
import type { ProxyDeps } from './deps.ts'
import { deleteObject } from './objects/delete.ts'
import { getObject } from './objects/get.ts'
import { postObject } from './objects/post.ts'
import { putObject } from './objects/put.ts'
import type { SwiftRequest } from './request.ts'

type Operation = (request: SwiftRequest, deps: ProxyDeps) => Promise<SwiftResponse>

/** Every operation on stored things, by what the path names. */
const operations: Record<'account' | 'container' | 'object', Record<string, Operation>> = {
  account: { GET: getAccount, HEAD: getAccount, POST: changeAccount, PUT: changeAccount, DELETE: changeAccount },
  container: {
    GET: getContainer,
    HEAD: getContainer,
    POST: changeContainer,
    PUT: changeContainer,
    DELETE: deleteContainer,
  },
  object: { GET: getObject, HEAD: getObject, POST: postObject, PUT: putObject, DELETE: deleteObject },
}

/** The innermost handler of the pipeline. */
export async function route(request: SwiftRequest, deps: ProxyDeps): Promise<SwiftResponse> {
  const table = operations[request.object !== null ? 'object' : request.container !== null ? 'container' : 'account']
  const operation = own(table, request.method)
  if (!operation) return answer(405, { headers: { allow: `${Object.keys(table).join(', ')}, OPTIONS` } })
  return operation(request, deps)
}
