import { existsSync } from 'node:fs'
import { type ClientVariables, clientVariables, openServiceSession, type ServiceSession } from '@hearth/auth'
import { errorTable, own } from '@hearth/core'
import { accountVariables } from '../accounts.ts'
import { clientEnvironment } from '../config.ts'
import type { Config } from '../config-types.ts'
import { foldersOf } from '../folders.ts'
import { trustAuthorities } from '../tls-config.ts'

const errors = errorTable({
  NobodyToBe: [
    401,
    'there is nobody to log in as: source an openrc file (OS_AUTH_URL, OS_USERNAME …), set OS_CLOUD, or run this where the suite has its data folder',
  ],
  MissingVariable: [400, '{name} is missing: set it beside OS_AUTH_URL'],
})

/** The settings that name the authorities of these commands, for errors. */
export const authoritySettings = 'tls.authority, OS_CACERT'

/** Logs in as OS_CLOUD or the OS_… variables say, else as the administrator of the suite on this host. */
export function openLogin(config: Config): ServiceSession {
  const variables = clientVariables(clientEnvironment())
  if (variables.OS_AUTH_URL) {
    trustAuthorities([config.tls.authority, variables.OS_CACERT])
    return openServiceSession(optionsOf(variables))
  }
  if (!existsSync(foldersOf(config.dataFolder).secrets)) throw errors.NobodyToBe()
  return openServiceSession(optionsOf(accountVariables(config, 'admin')))
}

function optionsOf(variables: ClientVariables): Parameters<typeof openServiceSession>[0] {
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
    authoritySettings,
    ...(variables.OS_REGION_NAME ? { region: variables.OS_REGION_NAME } : {}),
    ...(variables.OS_INTERFACE ? { interface: variables.OS_INTERFACE } : {}),
  }
}
