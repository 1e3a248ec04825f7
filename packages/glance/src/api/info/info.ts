import type { Context } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import type { StoreEntry } from '../../data/stores.ts'
import { projectOf } from '../../model/images/access.ts'
import { usageOf } from '../../model/info/store.ts'
import type { ApiDeps } from '../deps.ts'

/** GET /v2/info/import. */
export async function showImportInfo(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  return {
    'import-methods': { description: 'Import methods available.', type: 'array', value: deps.importMethods },
  }
}

/** GET /v2/info/stores. */
export async function listStores(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  return { stores: deps.stores.all.map(viewStore) }
}

/** GET /v2/info/stores/detail, for admins and services. */
export async function listStoresDetail(_context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const detailed = deps.stores.all.map((entry) => ({
    ...viewStore(entry),
    type: entry.type,
    weight: entry.weight ?? 0,
    properties: {},
  }))
  return { stores: detailed }
}

function viewStore(entry: StoreEntry) {
  return {
    id: entry.id,
    ...(entry.description ? { description: entry.description } : {}),
    ...(entry.default ? { default: 'true' } : {}),
    ...(entry.readOnly ? { 'read-only': 'true' } : {}),
  }
}

/** GET /v2/info/usage: without limits at the identity service every limit is −1. Sizes in MiB. */
export async function showUsage(context: Context, _request: ApiRequest, deps: ApiDeps): Promise<unknown> {
  const used = await usageOf(deps.database.query, projectOf(context))
  const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20)
  const limit = deps.settings.userStorageQuota
  return {
    usage: {
      image_size_total: { usage: mebibytes(used.activeBytes), limit: limit === 0 ? -1 : mebibytes(limit) },
      image_stage_total: { usage: mebibytes(used.stagedBytes), limit: -1 },
      image_count_total: { usage: used.count, limit: -1 },
      image_count_uploading: { usage: used.uploading, limit: -1 },
    },
  }
}
