import { type Context, isoSeconds } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { GlanceDeps } from '../../data/deps.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import { findTask, findTasks, findTasksOf, type Task } from '../../model/tasks/store.ts'
import { pageLinks } from '../images/list.ts'
import { queryValue } from '../query.ts'

type TaskDeps = Pick<GlanceDeps, 'database' | 'settings'>

const types = new Set(['import', 'api_image_import', 'location_import'])
const statuses = new Set(['pending', 'processing', 'success', 'failure'])

function viewSummary(task: Task) {
  return {
    id: task.id,
    type: task.type,
    status: task.status,
    owner: task.owner,
    expires_at: isoSeconds(task.expiresAt),
    created_at: isoSeconds(task.createdAt),
    updated_at: isoSeconds(task.updatedAt),
    image_id: task.imageId,
    request_id: task.requestId,
    user_id: task.userId,
    self: `/v2/tasks/${task.id}`,
    schema: '/v2/schemas/task',
  }
}

const viewTask = (task: Task) => ({
  ...viewSummary(task),
  input: task.input,
  result: task.result,
  message: task.message,
})

/** GET /v2/images/{id}/tasks: for whoever sees the image. */
export async function listImageTasks(context: Context, request: ApiRequest, deps: TaskDeps): Promise<unknown> {
  const { query } = deps.database
  const image = await openImage(context, request.params.image_id!, 'get_image', 'view', query)
  context.enforce('get_task')
  return { tasks: (await findTasksOf(query, image.id)).map(viewTask) }
}

/** GET /v2/tasks: admins only, newest first. */
export async function listTasks(_context: Context, request: ApiRequest, deps: TaskDeps): Promise<unknown> {
  const { query } = deps.database
  const { limitParamDefault, apiLimitMax } = deps.settings
  const text = queryValue(request.query, 'limit') ?? String(limitParamDefault)
  if (!/^\d+$/.test(text)) throw glanceErrors.BadRequest({ reason: 'limit param must be an integer of at least 0' })
  const limit = Math.min(Number(text), apiLimitMax)
  const markerId = queryValue(request.query, 'marker')
  const marker = markerId === undefined ? null : await findTask(query, markerId)
  if (markerId !== undefined && !marker) throw glanceErrors.BadRequest({ reason: `Invalid marker: ${markerId}` })
  const tasks = await findTasks(query, { limit, marker, owner: null, equal: readFilters(request) })
  const last = tasks.at(-1)
  return {
    tasks: tasks.map(viewSummary),
    ...pageLinks('/v2/tasks', request.url, last && tasks.length === limit ? last.id : null),
    schema: '/v2/schemas/tasks',
  }
}

function readFilters(request: ApiRequest): Record<string, string> {
  const equal: Record<string, string> = {}
  for (const [name, allowed] of [
    ['type', types],
    ['status', statuses],
    ['owner', null],
  ] as const) {
    const value = queryValue(request.query, name)
    if (value === undefined) continue
    if (allowed && !allowed.has(value)) throw glanceErrors.BadRequest({ reason: `Invalid ${name} value: ${value}` })
    equal[name] = value
  }
  return equal
}

/** GET /v2/tasks/{id}: admins only. */
export async function showTask(_context: Context, request: ApiRequest, deps: TaskDeps): Promise<unknown> {
  const id = request.params.task_id!
  const task = await findTask(deps.database.query, id)
  if (!task) throw glanceErrors.NotFound({ reason: `No task found with ID ${id}` })
  return viewTask(task)
}

/** POST /v2/tasks: tasks are made by imports only; the older import task is not offered. */
export async function createTask(): Promise<unknown> {
  throw glanceErrors.BadRequest({ reason: 'Tasks are made by POST /v2/images/{id}/import.' })
}
