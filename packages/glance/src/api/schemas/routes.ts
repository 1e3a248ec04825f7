import type { Route } from '@hearth/http'
import { schemaDocuments } from './documents.ts'

/** One row a document; any valid token will do. */
export const schemaRoutes: Route<unknown>[] = Object.entries(schemaDocuments).map(([name, document]) => ({
  method: 'GET',
  path: `/schemas/${name}`,
  policy: 'default',
  status: 200,
  operation: async () => document,
}))
