import type { Config } from './config-types.ts'
import { foldersOf } from './folders.ts'
import { existingSecrets, secretErrors } from './secrets.ts'
import { identityUrl } from './urls.ts'

export type Account = 'admin' | 'demo'

/** Returns the `OS_…` variables with which a client logs in. Throws NoSecretsYet or AccountElsewhere. */
export function accountVariables(config: Config, account: Account): Record<string, string> {
  const file = foldersOf(config.dataFolder).secrets
  const password = existingSecrets(file)[account]
  if (password === undefined) throw secretErrors.AccountElsewhere({ file, account })
  return {
    OS_AUTH_URL: `${identityUrl(config)}/v3`,
    OS_IDENTITY_API_VERSION: '3',
    OS_USERNAME: account,
    OS_PASSWORD: password,
    OS_PROJECT_NAME: account,
    OS_USER_DOMAIN_NAME: 'Default',
    OS_PROJECT_DOMAIN_NAME: 'Default',
    OS_REGION_NAME: config.region,
    ...(config.tls.authority === null ? {} : { OS_CACERT: config.tls.authority }),
  }
}

/** Lines for a shell to source. */
export function openrc(config: Config, account: Account): string {
  const lines = Object.entries(accountVariables(config, account)).map(([name, value]) => `export ${name}='${value}'`)
  return lines.join('\n')
}

/** A clouds.yaml with one entry for each account: `hearth` (demo) and `hearth-admin`. */
export function cloudsYaml(config: Config): string {
  const entries = (['demo', 'admin'] as const).map((account) => {
    const variables = accountVariables(config, account)
    return [
      `  hearth${account === 'admin' ? '-admin' : ''}:`,
      '    auth:',
      `      auth_url: ${variables.OS_AUTH_URL}`,
      `      username: ${account}`,
      `      password: ${variables.OS_PASSWORD}`,
      `      project_name: ${account}`,
      '      user_domain_name: Default',
      '      project_domain_name: Default',
      `    region_name: ${config.region}`,
      ...(variables.OS_CACERT ? [`    cacert: ${variables.OS_CACERT}`] : []),
      '    identity_api_version: 3',
    ].join('\n')
  })
  return `clouds:\n${entries.join('\n')}`
}
