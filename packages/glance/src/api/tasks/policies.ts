/** Rules about tasks, as in glance/policies/tasks.py. */
export const taskPolicies: Record<string, string> = {
  get_task: 'rule:default',
  tasks_api_access: 'rule:context_is_admin',
}
