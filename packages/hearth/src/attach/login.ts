import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openServiceSession, type ServiceSession } from '@hearth/auth'
import { errorTable, own } from '@hearth/core'
import { parse } from 'yaml'
import { accountVariables } from '../accounts.ts'
import { type Config, clientEnvironment } from '../config.ts'
import { foldersOf } from '../folders.ts'
import { trustAuthorities } from '../tls-config.ts'

const errors = errorTable({
  NobodyToBe: [
    401,
    'there is nobody to log in as: source an openrc file (OS_AUTH_URL, OS_USERNAME …), set OS_CLOUD, or run this where the suite has its data folder',
  ],
  UnknownCloud: [404, 'no clouds.yaml has a cloud {cloud}; looked in {places}'],
  Unverified: [
    400,
    '{name} asks for connections that are not verified, which there are none of here: remove it, and name the PEM file of the authority in {instead}',
  ],
  MissingVariable: [400, '{name} is missing: set it beside OS_AUTH_URL'],
})

type Variables = Record<string, string | undefined>

/** Logs in as OS_CLOUD or the OS_… variables say, else as the administrator of the suite on this host. */
export function openLogin(config: Config): ServiceSession {
  const environment = clientEnvironment()
  const variables = environment.OS_CLOUD ? cloudVariables(environment.OS_CLOUD, environment) : environment
  if (isTrue(environment.OS_INSECURE)) throw errors.Unverified({ name: 'OS_INSECURE', instead: 'OS_CACERT' })
  if (variables.OS_AUTH_URL) {
    trustAuthorities([config.tls.authority, variables.OS_CACERT])
    return openServiceSession(optionsOf(variables))
  }
  if (!existsSync(foldersOf(config.dataFolder).secrets)) throw errors.NobodyToBe()
  return openServiceSession(optionsOf(accountVariables(config, 'admin')))
}

function optionsOf(variables: Variables): Parameters<typeof openServiceSession>[0] {
  const need = (name: string): string => {
    const value = own(variables, name)
    if (!value) throw errors.MissingVariable({ name })
    return value
  }
  return {
    authUrl: need('OS_AUTH_URL'),
    username: need('OS_USERNAME'),
    password: need('OS_PASSWORD'),
    projectName: need('OS_PROJECT_NAME'),
    userDomainName: variables.OS_USER_DOMAIN_NAME ?? 'Default',
    projectDomainName: variables.OS_PROJECT_DOMAIN_NAME ?? 'Default',
    ...(variables.OS_REGION_NAME ? { region: variables.OS_REGION_NAME } : {}),
    ...(variables.OS_INTERFACE ? { interface: variables.OS_INTERFACE } : {}),
  }
}

const isTrue = (text: string | undefined): boolean => /^(1|true|yes|on)$/i.test(text ?? '')

interface Cloud {
  auth?: Record<string, string | undefined>
  region_name?: string
  interface?: string
  cacert?: string
  verify?: boolean
  insecure?: boolean
}

/** A cloud of the first clouds.yaml that has it, as variables. */
function cloudVariables(cloud: string, environment: Variables): Variables {
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
