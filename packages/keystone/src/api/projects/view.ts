import type { Project } from '../../model/projects/store.ts'
import { type Body, member } from '../links.ts'

/** Returns the view of a project. */
export function viewProject(project: Project, base: string): Body {
  return member(base, 'projects', {
    ...project.extra,
    id: project.id,
    name: project.name,
    domain_id: project.domainId,
    description: project.description,
    enabled: project.enabled,
    parent_id: project.parentId,
    is_domain: project.isDomain,
    tags: project.tags,
    options: project.options,
  })
}
