import type { Migration } from '@hearth/database'
import { volumesMigration } from './0001-volumes.ts'
import { types } from './0002-types.ts'
import { quotas } from './0003-quotas.ts'
import { messages } from './0004-messages.ts'
import { backups } from './0005-backups.ts'
import { transfers } from './0006-transfers.ts'
import { groups } from './0007-groups.ts'
import { managed } from './0008-managed.ts'
import { copies } from './0009-copies.ts'

export const migrations: Migration[] = [
  volumesMigration,
  types,
  quotas,
  messages,
  backups,
  transfers,
  groups,
  managed,
  copies,
]
