import { randomBytes } from 'node:crypto'
import type { AccessRule } from '@hearth/core'
import type { Project, ScopedProject } from '../projects/store.ts'
import type { Role } from '../roles/store.ts'
import type { Login } from '../users/store.ts'

/** Claims that only the identity service reads. All services read the Identity. */
export interface TokenExtra {
  /** Id of the trust by which the token was issued. */
  trust?: string
  /** User id of the trustor. */
  trustor?: string
  /** User id of the trustee. */
  trustee?: string
  impersonation?: boolean
  /** True for a token of an unrestricted application credential, which may do everything that its user may do. */
  unrestricted?: boolean
}

/** Proven user and methods, and the limits of the token to issue. */
export interface Proof {
  user: Login
  methods: string[]
  /** Latest expiry of the token, milliseconds since the epoch. */
  expiresAt?: number
  /** Audit id of the first token of the chain. */
  chain?: string
  /** True for a token of a trust or of an application credential, which cannot be rescoped. */
  isDelegated?: boolean
  appCredential?: {
    id: string
    name: string
    projectId: string
    roleIds: string[]
    unrestricted: boolean
    accessRules: AccessRule[] | null
  }
}

/** Fields of a trust that its token contains; `expiresAt` is in milliseconds since the epoch, null: never. */
interface TrustScope {
  id: string
  trustorId: string
  trusteeId: string
  impersonation: boolean
  expiresAt: number | null
}

/** Scope of a token with the roles of the user in it. */
export type Scope =
  | { kind: 'unscoped' }
  | { kind: 'project'; project: ScopedProject; roles: Role[] }
  | { kind: 'domain'; domain: Project; roles: Role[] }
  | { kind: 'system'; roles: Role[] }
  | { kind: 'trust'; trust: TrustScope; user: Login; project: ScopedProject | null; roles: Role[] }

/** Returns a new audit id: 22 characters, as Keystone's. */
export const newAuditId = (): string => randomBytes(16).toString('base64url')
