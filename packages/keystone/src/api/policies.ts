import { policies as accessRules } from './access-rules/policies.ts'
import { policies as applicationCredentials } from './application-credentials/policies.ts'
import { policies as assignments } from './assignments/policies.ts'
import { policies as credentials } from './credentials/policies.ts'
import { policies as domainSettings } from './domain-settings/policies.ts'
import { policies as domains } from './domains/policies.ts'
import { policies as ec2 } from './ec2/policies.ts'
import { policies as endpointGroups } from './endpoint-groups/policies.ts'
import { policies as endpoints } from './endpoints/policies.ts'
import { policies as groups } from './groups/policies.ts'
import { policies as limits } from './limits/policies.ts'
import { policies as oauthConsumers } from './oauth-consumers/policies.ts'
import { policies as policyBlobs } from './policy-blobs/policies.ts'
import { policies as projects } from './projects/policies.ts'
import { policies as regions } from './regions/policies.ts'
import { policies as roles } from './roles/policies.ts'
import { baseRules } from './rules.ts'
import { policies as services } from './services/policies.ts'
import { policies as tokens } from './tokens/policies.ts'
import { policies as trusts } from './trusts/policies.ts'
import { policies as users } from './users/policies.ts'

/** All policies of the identity service with their defaults, under upstream's names. */
export const policies: Record<string, string> = {
  ...baseRules,
  ...accessRules,
  ...applicationCredentials,
  ...assignments,
  ...credentials,
  ...domainSettings,
  ...domains,
  ...ec2,
  ...endpointGroups,
  ...endpoints,
  ...groups,
  ...limits,
  ...oauthConsumers,
  ...policyBlobs,
  ...projects,
  ...regions,
  ...roles,
  ...services,
  ...tokens,
  ...trusts,
  ...users,
}
