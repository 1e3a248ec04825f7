import { reader } from '../policies.ts'

/** Upstream asks for a token only; so do we, of somebody who may read. */
export const resourceFilterPolicies: Record<string, string> = { 'volume:list_resource_filters': reader }
