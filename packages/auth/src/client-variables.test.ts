import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { clientVariables } from './index.ts'

const HOME = mkdtempSync(join(tmpdir(), 'clouds-'))
mkdirSync(join(HOME, '.config/openstack'), { recursive: true })
writeFileSync(
  join(HOME, '.config/openstack/clouds.yaml'),
  JSON.stringify({
    clouds: {
      good: { auth: { auth_url: 'https://cloud:5000', username: 'u' }, region_name: 'R', cacert: '/own.pem' },
      plain: { auth: { auth_url: 'http://cloud:5000' } },
      unverified: { auth: {}, verify: false },
    },
  }),
)
afterAll(() => rmSync(HOME, { recursive: true }))

test('OS_CLOUD takes the place of the other variables, with the authority of the cloud', () => {
  const variables = clientVariables({ HOME, OS_CLOUD: 'good', OS_AUTH_URL: 'http://other', OS_CACERT: '/other.pem' })
  expect(variables).toMatchObject({ OS_AUTH_URL: 'https://cloud:5000', OS_REGION_NAME: 'R', OS_CACERT: '/own.pem' })
  expect(variables.OS_PASSWORD).toBeUndefined()
  expect(clientVariables({ HOME, OS_CLOUD: 'plain', OS_CACERT: '/other.pem' }).OS_CACERT).toBe('/other.pem')
  expect(clientVariables({ OS_USERNAME: 'u' })).toEqual({ OS_USERNAME: 'u' })
})

test('what asks for connections that are not verified is refused, and so is a cloud that is not there', () => {
  expect(() => clientVariables({ OS_INSECURE: 'True' })).toThrow('OS_INSECURE asks for connections')
  expect(() => clientVariables({ HOME, OS_CLOUD: 'unverified' })).toThrow('verify: false of unverified')
  for (const OS_CLOUD of ['none', 'constructor'])
    expect(() => clientVariables({ HOME, OS_CLOUD })).toThrow(`no clouds.yaml has a cloud ${OS_CLOUD}`)
})
