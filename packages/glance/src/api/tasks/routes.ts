import type { Route } from '@hearth/http'
import type { ApiDeps } from '../deps.ts'
import { createTask, listImageTasks, listTasks, showTask } from './tasks.ts'

export const taskRoutes: Route<ApiDeps>[] = [
  { method: 'GET', path: '/images/:image_id/tasks', policy: 'get_image', status: 200, operation: listImageTasks },
  { method: 'GET', path: '/tasks', policy: 'tasks_api_access', status: 200, operation: listTasks },
  { method: 'POST', path: '/tasks', policy: 'tasks_api_access', status: 201, operation: createTask },
  { method: 'GET', path: '/tasks/:task_id', policy: 'tasks_api_access', status: 200, operation: showTask },
]
