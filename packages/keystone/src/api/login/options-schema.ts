import type { Schema } from '@hearth/http'
import { methodNames } from '../../model/login/multi-factor.ts'

const flag: Schema = { type: ['boolean', 'null'] }

/** Schema of the options of users (keystone/identity/backends/resource_options.py); null removes an option. */
export const userOptions: Schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ignore_change_password_upon_first_use: flag,
    ignore_password_expiry: flag,
    ignore_lockout_failure_attempts: flag,
    ignore_user_inactivity: flag,
    lock_password: flag,
    multi_factor_auth_enabled: flag,
    multi_factor_auth_rules: {
      type: ['array', 'null'],
      uniqueItems: true,
      maxItems: 100,
      items: { type: 'array', minItems: 1, uniqueItems: true, items: { type: 'string', enum: methodNames } },
    },
  },
}
