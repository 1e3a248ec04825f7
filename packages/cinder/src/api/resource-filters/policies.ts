import { reader } from '../policies.ts'

/** Upstream requires a token only; Hearth requires a caller who may read. */
export const resourceFilterPolicies: Record<string, string> = { 'volume:list_resource_filters': reader }
