import type { Database } from '@hearth/database'
import type { Route, Schema } from '@hearth/http'
import { listDefaults, setDefault, showDefault, unsetDefault } from './manage.ts'

const since = '3.62'
const one = '/default-types/:project'
const rule = (verb: string) => `volume_extension:default_${verb}`

const body: Schema = {
  type: 'object',
  required: ['default_type'],
  properties: {
    default_type: {
      type: 'object',
      required: ['volume_type'],
      properties: { volume_type: { type: 'string', minLength: 1, maxLength: 255 } },
      additionalProperties: false,
    },
  },
  additionalProperties: false,
}

export const defaultTypeRoutes: Route<{ database: Database }>[] = [
  { method: 'GET', path: '/default-types', since, policy: rule('get_all'), status: 200, operation: listDefaults },
  { method: 'GET', path: one, since, policy: rule('get'), status: 200, operation: showDefault },
  { method: 'PUT', path: one, since, policy: rule('set_or_update'), body, status: 200, operation: setDefault },
  { method: 'DELETE', path: one, since, policy: rule('unset'), status: 204, operation: unsetDefault },
]
