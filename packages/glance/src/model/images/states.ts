import type { StateTable } from '@hearth/core'

/**
 * Moves of an image's status, by glance/domain/__init__.py; and deactivated ↔ pending_delete, because here every image
 * with bytes is pending_delete while its bytes are being deleted.
 */
export const imageStates: StateTable = {
  queued: ['saving', 'uploading', 'importing', 'active', 'deleted'],
  saving: ['active', 'killed', 'deleted', 'queued'],
  uploading: ['importing', 'queued', 'deleted'],
  importing: ['active', 'deleted', 'queued'],
  active: ['pending_delete', 'deleted', 'deactivated'],
  killed: ['deleted'],
  pending_delete: ['deleted', 'active', 'deactivated'],
  deactivated: ['active', 'pending_delete', 'deleted'],
  deleted: [],
}
