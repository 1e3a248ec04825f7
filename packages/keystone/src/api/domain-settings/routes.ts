import type { IdentityRoute } from '../guard.ts'
import { deleteSettings, replaceSettings, updateSettings } from './change.ts'
import { showCompliance } from './compliance.ts'
import { showDefaults, showSettings } from './show.ts'

const body = { type: 'object', required: ['config'], properties: { config: { type: 'object', minProperties: 1 } } }

const defaultPaths = [
  '/domains/config/default',
  '/domains/config/:group/default',
  '/domains/config/:group/:option/default',
]
const base = '/domains/:domain_id/config'
const compliancePaths = [`${base}/security_compliance`, `${base}/security_compliance/:option`]
const paths = [base, `${base}/:group`, `${base}/:group/:option`]

export const routes: IdentityRoute[] = [
  ...defaultPaths.map(
    (path): IdentityRoute => ({
      method: ['GET', 'HEAD'],
      path,
      policy: 'identity:get_domain_config_default',
      status: 200,
      operation: showDefaults,
    }),
  ),
  ...compliancePaths.map(
    (path): IdentityRoute => ({
      method: ['GET', 'HEAD'],
      path,
      policy: 'identity:get_security_compliance_domain_config',
      status: 200,
      operation: showCompliance,
    }),
  ),
  { method: 'PUT', path: base, policy: 'identity:create_domain_config', body, status: 200, operation: replaceSettings },
  ...paths.flatMap((path): IdentityRoute[] => [
    {
      method: ['GET', 'HEAD'],
      path,
      policy: 'identity:get_domain_config',
      status: 200,
      operation: showSettings,
    },
    { method: 'PATCH', path, policy: 'identity:update_domain_config', body, status: 200, operation: updateSettings },
    { method: 'DELETE', path, policy: 'identity:delete_domain_config', status: 204, operation: deleteSettings },
  ]),
]
