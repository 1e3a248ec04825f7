import type { Migration } from '@hearth/database'
import { people } from './0001-people.ts'
import { roles } from './0002-roles.ts'
import { catalog } from './0003-catalog.ts'
import { credentials } from './0004-credentials.ts'
import { trusts } from './0005-trusts.ts'
import { limits } from './0006-limits.ts'
import { tokens } from './0007-tokens.ts'
import { signingKeys } from './0008-signing-keys.ts'
import { logIn } from './0009-log-in.ts'

export const migrations: Migration[] = [people, roles, catalog, credentials, trusts, limits, tokens, signingKeys, logIn]
