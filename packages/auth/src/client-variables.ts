import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorTable, own } from '@hearth/core'
import { parse } from 'yaml'

const errors = errorTable({
  UnknownCloud: [404, 'no clouds.yaml has a cloud {cloud}; looked in {places}'],
  Unverified: [
    400,
    '{name} asks for connections that are not verified, which is not supported: remove it, and name the PEM file of the authority in {instead}',
  ],
})

/** `OS_…` variables, as openstackclient names them. */
export type ClientVariables = Record<string, string | undefined>

interface Cloud {
  auth?: Record<string, string | undefined>
  region_name?: string
  interface?: string
  cacert?: string
  verify?: boolean
  insecure?: boolean
}

/**
 * Returns the variables of the cloud that OS_CLOUD names in the first clouds.yaml that has it (places and keys as in
 * openstacksdk), else those of the environment. Throws UnknownCloud, and Unverified where verification is switched off.
 */
export function clientVariables(environment: ClientVariables): ClientVariables {
  if (/^(1|true|yes|on)$/i.test(environment.OS_INSECURE ?? ''))
    throw errors.Unverified({ name: 'OS_INSECURE', instead: 'OS_CACERT' })
  return environment.OS_CLOUD ? ofCloud(environment.OS_CLOUD, environment) : environment
}

function ofCloud(cloud: string, environment: ClientVariables): ClientVariables {
  const home = environment.HOME ?? '/root'
  const places = ['clouds.yaml', join(home, '.config/openstack/clouds.yaml'), '/etc/openstack/clouds.yaml']
  for (const place of places.filter((file) => existsSync(file))) {
    const { clouds } = (parse(readFileSync(place, 'utf8')) ?? {}) as { clouds?: Record<string, Cloud> }
    const found = own(clouds ?? {}, cloud)
    if (!found) continue
    if (found.verify === false || found.insecure === true)
      throw errors.Unverified({ name: `verify: false of ${cloud} in ${place}`, instead: 'cacert' })
    const auth = found.auth ?? {}
    return {
      OS_AUTH_URL: auth.auth_url,
      OS_USERNAME: auth.username,
      OS_PASSWORD: auth.password,
      OS_PROJECT_NAME: auth.project_name,
      OS_USER_DOMAIN_NAME: auth.user_domain_name,
      OS_PROJECT_DOMAIN_NAME: auth.project_domain_name,
      OS_REGION_NAME: found.region_name,
      OS_INTERFACE: found.interface,
      OS_CACERT: found.cacert ?? environment.OS_CACERT,
    }
  }
  throw errors.UnknownCloud({ cloud, places: places.join(', ') })
}
