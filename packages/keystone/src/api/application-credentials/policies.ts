import { admin, adminOrSystemReader, owner } from '../rules.ts'

export const policies: Record<string, string> = {
  'identity:get_application_credential': `${adminOrSystemReader} or ${owner}`,
  'identity:list_application_credentials': `${adminOrSystemReader} or ${owner}`,
  'identity:create_application_credential': owner,
  'identity:delete_application_credential': `${admin} or ${owner}`,
}
