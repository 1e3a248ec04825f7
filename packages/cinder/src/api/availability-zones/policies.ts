import { reader } from '../policies.ts'

/** Upstream asks for a token only; so do we, of somebody who may read. */
export const availabilityZonePolicies: Record<string, string> = { 'volume:list_availability_zones': reader }
