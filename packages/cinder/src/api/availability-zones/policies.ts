import { reader } from '../policies.ts'

/** Upstream requires a token only; Hearth requires a caller who may read. */
export const availabilityZonePolicies: Record<string, string> = { 'volume:list_availability_zones': reader }
