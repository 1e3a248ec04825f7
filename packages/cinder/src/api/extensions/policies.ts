import { reader } from '../policies.ts'

/** Upstream requires a token only; Hearth requires a caller who may read. */
export const extensionPolicies: Record<string, string> = { 'volume:list_extensions': reader }
