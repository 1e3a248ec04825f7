import type { Identity } from '@hearth/core'
import { buildCatalog } from '../../model/catalog/build.ts'
import type { Deps } from '../../model/deps.ts'
import { writeTime } from '../../model/times.ts'
import type { TokenExtra } from '../../model/tokens/claims.ts'
import type { User } from '../../model/users/store.ts'
import type { Body } from '../links.ts'
import { expiryText } from '../users/view.ts'

interface TokenViewInput {
  identity: Identity
  extra: TokenExtra
  roles: { id: string; name: string }[]
  appCredentialName?: string
  user: Pick<User, 'passwordExpiresAt'>
  /** True unless the request has `?nocatalog`. */
  withCatalog: boolean
}

/** Returns the `token` object of a response. */
export async function viewToken(input: TokenViewInput, deps: Deps): Promise<Body> {
  const { identity, extra, roles, withCatalog, user } = input
  const scope = scopeBody(identity, extra)
  const scoped = Object.keys(scope).length > 0
  return {
    methods: identity.methods,
    user: {
      domain: { id: identity.userDomainId, name: identity.userDomainName },
      id: identity.userId,
      name: identity.userName,
      password_expires_at: expiryText(user),
    },
    audit_ids: identity.auditIds,
    expires_at: writeTime(identity.expiresAt),
    issued_at: writeTime(identity.issuedAt),
    ...scope,
    ...(scoped ? { roles: roles.map(({ id, name }) => ({ id, name })) } : {}),
    ...(scoped && withCatalog ? { catalog: await buildCatalog(deps.database.query, identity) } : {}),
    ...delegationBody(input),
  }
}

function scopeBody(identity: Identity, extra: TokenExtra): Body {
  if (identity.projectId) {
    const domain = { id: identity.projectDomainId, name: identity.projectDomainName }
    const project = { domain, id: identity.projectId, name: identity.projectName }
    return extra.trust ? { project } : { project, is_domain: false }
  }
  if (identity.domainId) return { domain: { id: identity.domainId, name: identity.domainName } }
  return identity.system ? { system: { all: true } } : {}
}

function delegationBody({ identity, extra, appCredentialName }: TokenViewInput): Body {
  const body: Body = {}
  if (extra.trust) {
    body['OS-TRUST:trust'] = {
      id: extra.trust,
      trustor_user: { id: extra.trustor },
      trustee_user: { id: extra.trustee },
      impersonation: extra.impersonation,
    }
  }
  if (identity.appCredentialId) {
    body.application_credential = {
      id: identity.appCredentialId,
      name: appCredentialName ?? '',
      restricted: !extra.unrestricted,
      ...(identity.accessRules ? { access_rules: identity.accessRules } : {}),
    }
  }
  return body
}
