import { admin, adminOrSystemReader, domainManager, domainReader } from '../rules.ts'

const own = 'project_id:%(target.project.id)s'
const reading = `${adminOrSystemReader} or ${domainReader('target.project.domain_id')} or ${own}`
const writing = `${admin} or ${domainManager('target.project.domain_id')}`
const tagging = `${writing} or ${own} and role:admin`

export const policies: Record<string, string> = {
  'identity:get_project': reading,
  'identity:list_projects': `${adminOrSystemReader} or ${domainReader('target.domain_id')}`,
  'identity:create_project': writing,
  'identity:update_project': writing,
  'identity:delete_project': writing,
  'identity:list_project_tags': reading,
  'identity:get_project_tag': reading,
  'identity:update_project_tags': tagging,
  'identity:create_project_tag': tagging,
  'identity:delete_project_tags': tagging,
  'identity:delete_project_tag': tagging,
}
