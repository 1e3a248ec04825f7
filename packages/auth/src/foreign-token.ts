import type { AccessRule, Identity } from '@hearth/core'

interface Named {
  id: string
  name: string
  domain?: Named
}

interface TokenBody {
  user: Named
  project?: Named
  domain?: Named
  system?: { all?: boolean }
  roles?: Named[]
  methods: string[]
  audit_ids?: string[]
  issued_at: string
  expires_at: string
  application_credential?: { id: string; access_rules?: AccessRule[] }
}

/** Reads Keystone's `{"token": …}` body (api/auth, render_token). */
export function identityFromTokenBody(body: Record<string, unknown>): Identity {
  const token = body.token as TokenBody
  return {
    userId: token.user.id,
    userName: token.user.name,
    userDomainId: token.user.domain?.id ?? '',
    userDomainName: token.user.domain?.name ?? '',
    projectId: token.project?.id ?? null,
    projectName: token.project?.name ?? null,
    projectDomainId: token.project?.domain?.id ?? null,
    projectDomainName: token.project?.domain?.name ?? null,
    domainId: token.domain?.id ?? null,
    domainName: token.domain?.name ?? null,
    system: token.system?.all === true,
    roles: (token.roles ?? []).map((role) => role.name),
    methods: token.methods,
    auditIds: token.audit_ids ?? [],
    issuedAt: Date.parse(token.issued_at),
    expiresAt: Date.parse(token.expires_at),
    appCredentialId: token.application_credential?.id ?? null,
    accessRules: token.application_credential?.access_rules ?? null,
  }
}
