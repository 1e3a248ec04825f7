import { imagePolicies } from './images/policies.ts'
import { infoPolicies } from './info/policies.ts'
import { memberPolicies } from './members/policies.ts'

/** Every rule with its default text. */
export const policies: Record<string, string> = { ...imagePolicies, ...memberPolicies, ...infoPolicies }
