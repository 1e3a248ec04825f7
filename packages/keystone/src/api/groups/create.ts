import { type Context, hexId } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { commit, type Deps } from '../../model/deps.ts'
import { notFound } from '../../model/errors.ts'
import { extrasOf } from '../../model/extras.ts'
import { type Group, insertGroup } from '../../model/groups/store.ts'
import { findDomain } from '../../model/projects/store.ts'
import { type Body, baseOf } from '../links.ts'
import { callerDomain } from '../targets.ts'
import { type GroupInput, known } from './schema.ts'
import { viewGroup } from './view.ts'

/** POST /groups. Throws ResourceNotFound (404) for an unknown domain, AlreadyExists (409). */
export async function createGroup(context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  const given = (request.body as { group: GroupInput }).group
  const domainId = given.domain_id ?? callerDomain(context)
  const extra = extrasOf(given, known)
  const group: Group = { id: hexId(), domainId, name: given.name!, description: given.description ?? '', extra }
  await commit(deps, async (tx) => {
    if (!(await findDomain(tx, domainId))) throw notFound('domain', domainId)
    await insertGroup(tx, group)
  })
  return { group: viewGroup(group, baseOf(request, deps.publicUrl)) }
}
