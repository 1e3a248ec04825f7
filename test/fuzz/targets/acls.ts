import type { Identity } from '@hearth/core'
import fc from 'fast-check'
import { Refusal } from '../../../packages/swift/src/model/response.ts'
import { cleanAcl, parseAcl, referrerAllowed } from '../../../packages/swift/src/proxy/features/keystone-auth/acl.ts'
import { authorize } from '../../../packages/swift/src/proxy/features/keystone-auth/authorize.ts'
import { requestOf } from '../swift-request.ts'
import { define, refusedOr } from '../target.ts'
import { oddText, text } from '../values.ts'

const item = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '.r:*',
      '.r:-a.b',
      '.r:.b',
      '.rlistings',
      '.referrer : *',
      '.r:',
      '.x:y',
      'p:u',
      '*:u',
      'p:*',
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom('%', '%2C', 'a%3Ab', ':', '::', ' , ', '.r:*-', '.ref:*.b', 'role') },
  { weight: 1, arbitrary: oddText },
)

const rules = { operatorRoles: ['member'], resellerAdminRole: 'ResellerAdmin', accountPrefix: 'AUTH_', authUrl: '' }

/** Access lists: nobody enters whom no item names. */
export const target = define({
  surface: 'process',
  memoryMiB: 300,
  open: async () => ({
    cases: fc.record({
      items: fc.array(item, { maxLength: 8 }),
      write: fc.boolean(),
      referer: fc.option(
        fc.oneof(fc.constantFrom('http://a.b/', 'http://b', '://', 'http://[::1', 'http://user@a.b:1/x'), text),
      ),
    }),
    async run({ items, write, referer }) {
      const header = write ? 'x-container-write' : 'x-container-read'
      const clean = await refusedOr(
        () => cleanAcl(header, items.join(',')),
        (error) => error instanceof Refusal && error.response.status === 400,
      )
      if (clean === undefined) return
      const parsed = parseAcl(clean)
      const referred = referrerAllowed(referer ?? undefined, parsed.referrers)
      if (referred && parsed.referrers.length === 0) throw new Error('admits a referrer that no item names')
      const request = requestOf({
        ...{ method: 'GET', object: 'o', query: {}, headers: referer === null ? {} : { referer } },
        body: (async function* () {})(),
      })
      const refusal = authorize({ ...request, identity: null }, { acl: clean }, rules as never)
      if (refusal === null && !referred) throw new Error('admits nobody in particular')
      const stranger = authorize({ ...request, identity: someone }, { acl: clean }, rules as never)
      const named = parsed.groups.some((group) => /^(\*|their-project|Their):(\*|they|They)$/.test(group))
      if (stranger === null && !referred && !named) throw new Error('admits a user whom no item names')
    },
  }),
})

const someone = {
  ...{
    userId: 'they',
    userName: 'They',
    userDomainId: 'default',
    userDomainName: 'Default',
    projectId: 'their-project',
  },
  ...{
    projectName: 'Their',
    projectDomainId: 'default',
    projectDomainName: 'Default',
    domainId: null,
    domainName: null,
  },
  ...{
    system: false,
    roles: ['reader'],
    methods: [],
    auditIds: [],
    issuedAt: 0,
    expiresAt: 0,
    appCredentialId: null,
    accessRules: null,
  },
} as Identity
