import { reader } from '../policies.ts'

export const limitPolicies: Record<string, string> = { 'limits_extension:used_limits': reader }
