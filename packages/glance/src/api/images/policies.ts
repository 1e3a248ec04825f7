const owner = 'role:member and project_id:%(project_id)s'
const visible =
  "project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or " +
  "'shared':%(visibility)s"
const memberOfProject = `rule:context_is_admin or (${owner})`
const readerOfProject = 'rule:context_is_admin or (role:reader and project_id:%(project_id)s)'

/** Rules about images, under the names and with the defaults of glance/policies. */
export const imagePolicies: Record<string, string> = {
  default: '',
  context_is_admin: 'role:admin',
  add_image: `rule:context_is_admin or (${owner} and project_id:%(owner)s)`,
  delete_image: memberOfProject,
  get_image: `rule:context_is_admin or (role:reader and (${visible}))`,
  get_images: readerOfProject,
  modify_image: memberOfProject,
  publicize_image: 'rule:context_is_admin',
  communitize_image: memberOfProject,
  download_image: `rule:context_is_admin or (role:member and (${visible}))`,
  upload_image: memberOfProject,
  delete_image_location: 'rule:context_is_admin',
  get_image_location: readerOfProject,
  set_image_location: memberOfProject,
  deactivate: memberOfProject,
  reactivate: memberOfProject,
}
