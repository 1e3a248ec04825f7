import { type Context, isoSeconds } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { within } from '../../data/settings.ts'
import { glanceErrors } from '../../model/errors.ts'
import { isAdmin, projectOf, type Seen, seeImage } from '../../model/images/access.ts'
import { policyTarget } from '../../model/images/image.ts'
import {
  findMember,
  findMembers,
  insertMember,
  type Member,
  removeMember,
  writeAnswer,
} from '../../model/members/store.ts'

type MemberDeps = Pick<GlanceDeps, 'database' | 'settings'>

const answers = new Set(['pending', 'accepted', 'rejected'])

function viewMember(member: Member) {
  return {
    member_id: member.member,
    image_id: member.image_id,
    status: member.status,
    created_at: isoSeconds(member.created_at),
    updated_at: isoSeconds(member.updated_at),
    schema: '/v2/schemas/member',
  }
}

/** The image, which must be shared (403 else), for a caller who satisfies the rule on it. */
async function sharedImage(context: Context, request: ApiRequest, rule: string, deps: MemberDeps): Promise<Seen> {
  const seen = await seeImage(context, request.params.image_id!, deps.database.query)
  if (seen.image.visibility !== 'shared') {
    throw glanceErrors.Forbidden({ reason: 'Only shared images have members.' })
  }
  const memberId = request.params.member_id ?? seen.memberId
  if (!context.may(rule, policyTarget(seen.image, memberId))) {
    throw glanceErrors.ImageForbidden({ action: `${rule.replace('_', ' ')} of` })
  }
  return seen
}

/** Owners and admins see all members, a member only itself. */
function seesAll(context: Context, { image }: Seen): boolean {
  return isAdmin(context) || image.owner === projectOf(context)
}

const notFound = (member: string, image: string) =>
  glanceErrors.NotFound({ reason: `${member} not found in the member list of the image ${image}.` })

/** GET …/members. */
export async function listMembers(context: Context, request: ApiRequest, deps: MemberDeps): Promise<unknown> {
  const seen = await sharedImage(context, request, 'get_members', deps)
  const only = seesAll(context, seen) ? undefined : projectOf(context)
  const members = await findMembers(deps.database.query, seen.image.id, only)
  return { members: members.map(viewMember), schema: '/v2/schemas/members' }
}

/** GET …/members/{member}. A member sees only its own membership; others are 404. */
export async function showMember(context: Context, request: ApiRequest, deps: MemberDeps): Promise<unknown> {
  const name = request.params.member_id!
  const seen = await seeImage(context, request.params.image_id!, deps.database.query)
  const visible = seesAll(context, seen) || name === projectOf(context)
  const member = visible ? await findMember(deps.database.query, seen.image.id, name) : null
  if (!member) throw notFound(name, seen.image.id)
  context.enforce('get_member', policyTarget(seen.image, name))
  return viewMember(member)
}

/** POST …/members `{member}`. */
export async function addMember(context: Context, request: ApiRequest, deps: MemberDeps): Promise<unknown> {
  const { member: name } = request.body as { member: string }
  const { image } = await sharedImage(context, request, 'add_member', deps)
  const quota = deps.settings.imageMemberQuota
  return deps.database.transaction(async (tx) => {
    if (!within(quota, (await findMembers(tx, image.id)).length + 1)) {
      throw glanceErrors.OverLimit({ reason: `The limit of ${quota} members of an image has been exceeded.` })
    }
    if (!(await insertMember(tx, image.id, name))) {
      throw glanceErrors.Conflict({ reason: `The target member ${name} is already associated with image ${image.id}.` })
    }
    return viewMember((await findMember(tx, image.id, name))!)
  })
}

/** PUT …/members/{member} `{status}`, by the member itself or an administrator; never by the owner. */
export async function answerSharing(context: Context, request: ApiRequest, deps: MemberDeps): Promise<unknown> {
  const name = request.params.member_id!
  const { status: answer } = request.body as { status: string }
  const seen = await seeImage(context, request.params.image_id!, deps.database.query)
  const visible = seesAll(context, seen) || name === projectOf(context)
  const member = visible ? await findMember(deps.database.query, seen.image.id, name) : null
  if (!member) throw notFound(name, seen.image.id)
  if (!context.may('modify_member', policyTarget(seen.image, name))) {
    throw glanceErrors.Forbidden({ reason: `You are not permitted to modify the status of member ${name}.` })
  }
  if (!answers.has(answer))
    throw glanceErrors.BadRequest({ reason: `Status "${answer}" is none of ${[...answers].join(', ')}.` })
  await writeAnswer(deps.database.query, seen.image.id, name, answer)
  return viewMember((await findMember(deps.database.query, seen.image.id, name))!)
}

/** DELETE …/members/{member}. */
export async function deleteMember(context: Context, request: ApiRequest, deps: MemberDeps): Promise<undefined> {
  const name = request.params.member_id!
  const { image } = await sharedImage(context, request, 'delete_member', deps)
  if (!(await removeMember(deps.database.query, image.id, name))) throw notFound(name, image.id)
}
