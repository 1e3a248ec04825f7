import { cachePolicies } from './cache/policies.ts'
import { imagePolicies } from './images/policies.ts'
import { importPolicies } from './imports/policies.ts'
import { infoPolicies } from './info/policies.ts'
import { locationPolicies } from './locations/policies.ts'
import { memberPolicies } from './members/policies.ts'
import { metadefPolicies } from './metadefs/policies.ts'
import { taskPolicies } from './tasks/policies.ts'

/** Every rule with its default text. */
export const policies: Record<string, string> = {
  ...imagePolicies,
  ...memberPolicies,
  ...importPolicies,
  ...cachePolicies,
  ...locationPolicies,
  ...taskPolicies,
  ...metadefPolicies,
  ...infoPolicies,
}
