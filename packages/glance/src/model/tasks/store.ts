import { uuid } from '@hearth/core'
import { move, type Query } from '@hearth/database'
import { taskStates } from './states.ts'

export interface Task {
  id: string
  type: string
  status: string
  owner: string | null
  userId: string | null
  imageId: string | null
  requestId: string | null
  input: unknown
  result: unknown
  message: string
  createdAt: number
  updatedAt: number
  expiresAt: number | null
}

type NewTask = Pick<Task, 'type' | 'owner' | 'userId' | 'imageId' | 'requestId' | 'input'> & { worker: string }

/** A finished task is kept for two days. */
const keptMs = 48 * 3600 * 1000
const table = 'image_tasks'

function fromRow(row: Record<string, unknown>): Task {
  return {
    id: String(row.id),
    type: String(row.type),
    status: String(row.status),
    owner: row.owner as string | null,
    userId: row.user_id as string | null,
    imageId: row.image_id as string | null,
    requestId: row.request_id as string | null,
    input: JSON.parse(String(row.input)),
    result: JSON.parse(String(row.result)),
    message: String(row.message),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    expiresAt: row.expires_at as number | null,
  }
}

/** Inserts a pending task and returns its id. */
export async function insertTask(query: Query, task: NewTask): Promise<string> {
  const id = uuid()
  const now = Date.now()
  await query(table).insert({
    id,
    type: task.type,
    status: 'pending',
    owner: task.owner,
    user_id: task.userId,
    image_id: task.imageId,
    request_id: task.requestId,
    worker: task.worker,
    input: JSON.stringify(task.input),
    result: 'null',
    message: '',
    created_at: now,
    updated_at: now,
  })
  return id
}

/** Moves a task to `processing`. */
export async function beginTask(query: Query, id: string): Promise<void> {
  await move(query, { table, id, to: 'processing', states: taskStates })
}

/** Ends a task; `message` is for its reader. */
export async function endTask(query: Query, id: string, to: 'success' | 'failure', message: string, result?: unknown) {
  const set = { message, result: JSON.stringify(result ?? null), expires_at: Date.now() + keptMs }
  await move(query, { table, id, to, states: taskStates, set })
}

/** Returns a task; null when there is none. */
export async function findTask(query: Query, id: string): Promise<Task | null> {
  const row: Record<string, unknown> | undefined = await query(table).where({ id }).first()
  return row ? fromRow(row) : null
}

/** Returns the tasks of an image, oldest first. */
export async function findTasksOf(query: Query, imageId: string): Promise<Task[]> {
  const rows: Record<string, unknown>[] = await query(table).where({ image_id: imageId }).orderBy('created_at')
  return rows.map(fromRow)
}

/** Tasks of a worker that a crash interrupted. */
export async function findUnfinished(query: Query, worker: string): Promise<Task[]> {
  const rows: Record<string, unknown>[] = await query(table)
    .where({ worker })
    .whereIn('status', ['pending', 'processing'])
  return rows.map(fromRow)
}

/** Removes tasks that expired before `now`, milliseconds since the epoch. */
export async function removeExpiredTasks(query: Query, now: number): Promise<void> {
  await query(table).where('expires_at', '<', now).delete()
}

interface TaskPage {
  limit: number
  marker: Task | null
  /** null: tasks of all owners. */
  owner: string | null
  equal: Record<string, string>
}

/** Newest first. */
export async function findTasks(query: Query, page: TaskPage): Promise<Task[]> {
  const select = query(table).where(page.equal).orderBy('created_at', 'desc').orderBy('id', 'desc').limit(page.limit)
  if (page.owner !== null) select.where({ owner: page.owner })
  const { marker } = page
  if (marker) {
    select.where((any) => {
      any.where('created_at', '<', marker.createdAt)
      any.orWhere((same) => same.where('created_at', marker.createdAt).where('id', '<', marker.id))
    })
  }
  const rows: Record<string, unknown>[] = await select
  return rows.map(fromRow)
}
