import { clientVariables } from '@hearth/auth'
import { readAuthority } from '@hearth/core'
import type { Command } from 'commander'

/** How to log in: from `OS_*` variables or the cloud that OS_CLOUD names, each of which a flag may override. */
export interface CloudSettings {
  authUrl: string
  username: string
  password: string
  projectName: string
  userDomainName: string
  projectDomainName: string
  region: string
  /** Endpoint interface: public, internal or admin. */
  endpointInterface: string
  /** A second user whose token is sent as X-Service-Token, for clouds that let only services detach. */
  serviceUsername: string | null
  servicePassword: string | null
  serviceProjectName: string
  /** PEM of an authority to trust beside those of the system. */
  authority: string | null
}

/** Adds the flags that `cloudSettings` reads. */
export function withCloudOptions(command: Command): Command {
  return command
    .option('--os-auth-url <url>', 'Keystone v3 (else OS_AUTH_URL)')
    .option('--os-username <name>', 'user (else OS_USERNAME); the password is taken from OS_PASSWORD only')
    .option('--os-project-name <name>', 'project (else OS_PROJECT_NAME)')
    .option('--os-user-domain-name <name>', 'domain of the user (else OS_USER_DOMAIN_NAME, Default)')
    .option('--os-project-domain-name <name>', 'domain of the project (else OS_PROJECT_DOMAIN_NAME, Default)')
    .option('--os-region-name <name>', 'region (else OS_REGION_NAME, the first in the catalog)')
    .option('--os-interface <name>', 'public, internal or admin endpoints (else OS_INTERFACE, public)')
    .option('--os-cacert <file>', 'PEM file of the authority of the cloud (else OS_CACERT)')
    .option('--service-username <name>', 'send a service token of this user as well (else OS_SERVICE_USERNAME)')
}

/**
 * Returns the settings; passwords come from the environment only. Throws an Error that names every missing setting, or
 * the authority file that is not valid.
 */
export function cloudSettings(flags: Record<string, unknown>, variables = process.env): CloudSettings {
  const environment = { ...variables, ...clientVariables(variables) }
  const read = (flag: string, variable: string): string =>
    typeof flags[flag] === 'string' ? flags[flag] : (environment[variable] ?? '')
  const authority = read('osCacert', 'OS_CACERT')
  const settings: CloudSettings = {
    authUrl: read('osAuthUrl', 'OS_AUTH_URL').replace(/\/+$/, ''),
    username: read('osUsername', 'OS_USERNAME'),
    password: environment.OS_PASSWORD ?? '',
    projectName: read('osProjectName', 'OS_PROJECT_NAME') || (environment.OS_TENANT_NAME ?? ''),
    userDomainName: read('osUserDomainName', 'OS_USER_DOMAIN_NAME') || 'Default',
    projectDomainName: read('osProjectDomainName', 'OS_PROJECT_DOMAIN_NAME') || 'Default',
    region: read('osRegionName', 'OS_REGION_NAME'),
    endpointInterface: (read('osInterface', 'OS_INTERFACE') || 'public').replace(/URL$/, ''),
    serviceUsername: read('serviceUsername', 'OS_SERVICE_USERNAME') || null,
    servicePassword: environment.OS_SERVICE_PASSWORD ?? null,
    serviceProjectName: environment.OS_SERVICE_PROJECT_NAME ?? 'service',
    authority: authority === '' ? null : readAuthority(authority).toString('latin1'),
  }
  const needed = {
    OS_AUTH_URL: settings.authUrl,
    OS_USERNAME: settings.username,
    OS_PASSWORD: settings.password,
    OS_PROJECT_NAME: settings.projectName,
  }
  const missing = Object.entries(needed).flatMap(([name, value]) => (value === '' ? [name] : []))
  if (settings.serviceUsername && !settings.servicePassword) missing.push('OS_SERVICE_PASSWORD')
  if (missing.length > 0)
    throw new Error(`not logged in: ${missing.join(', ')} not set. With Hearth: eval "$(./hearth openrc)"`)
  if (!/\/v3$/.test(settings.authUrl)) settings.authUrl += '/v3'
  return settings
}
