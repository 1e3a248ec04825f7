import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import { moveImage } from '../../model/images/store.ts'

type ActivateDeps = Pick<GlanceDeps, 'database'>

/** POST …/actions/deactivate: active → deactivated, from where only admins may download. */
export async function deactivateImage(context: Context, request: ApiRequest, deps: ActivateDeps): Promise<undefined> {
  await change(context, request, deps, { rule: 'deactivate', from: 'active', to: 'deactivated' })
}

/** POST …/actions/reactivate: deactivated → active. */
export async function reactivateImage(context: Context, request: ApiRequest, deps: ActivateDeps): Promise<undefined> {
  await change(context, request, deps, { rule: 'reactivate', from: 'deactivated', to: 'active' })
}

async function change(
  context: Context,
  request: ApiRequest,
  deps: ActivateDeps,
  { rule, from, to }: { rule: string; from: string; to: string },
): Promise<void> {
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, rule, rule, query)
  if (image.status === to) return
  if (await moveImage(query, image.id, to, { from })) return
  throw glanceErrors.Forbidden({ reason: `Image status transition from ${image.status} to ${to} is not allowed` })
}
