import { randomBytes } from 'node:crypto'
import type { AccessRule } from '@hearth/core'
import type { Project, ScopedProject } from '../projects/store.ts'
import type { Role } from '../roles/store.ts'
import type { Login } from '../users/store.ts'

/** What the token carries for us alone, beside the Identity all services read. */
export interface TokenExtra {
  /** Id of the trust the token was got by. */
  trust?: string
  trustor?: string
  trustee?: string
  impersonation?: boolean
  /** True when got by an application credential that may do as its user in everything. */
  unrestricted?: boolean
}

/** Who somebody has proven to be, and what bounds the token to be issued. */
export interface Proof {
  user: Login
  methods: string[]
  /** Milliseconds since the epoch: no later than this. */
  expiresAt?: number
  /** Audit id of the first token of the chain. */
  chain?: string
  /** The token was one of a trust or of an application credential and may not be scoped anew. */
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

export interface TrustScope {
  id: string
  trustorId: string
  trusteeId: string
  impersonation: boolean
  expiresAt: number | null
}

export type Scope =
  | { kind: 'unscoped' }
  | { kind: 'project'; project: ScopedProject; roles: Role[] }
  | { kind: 'domain'; domain: Project; roles: Role[] }
  | { kind: 'system'; roles: Role[] }
  | { kind: 'trust'; trust: TrustScope; user: Login; project: ScopedProject | null; roles: Role[] }

/** 22 characters, as Keystone's. */
export const newAuditId = (): string => randomBytes(16).toString('base64url')
