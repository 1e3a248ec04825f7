import { expect, test } from 'vitest'
import { readConfig } from './config.ts'

const schema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    volume: {
      type: 'object',
      additionalProperties: false,
      default: {},
      properties: {
        port: { type: 'integer', minimum: 1, maximum: 65535, default: 8776 },
        defaultType: { type: 'string', default: 'plain' },
        adminPassword: { type: 'string', minLength: 8 },
      },
    },
    bus: { type: 'string', enum: ['memory', 'amqp'], default: 'memory' },
  },
}
const read = (text: string, env: Record<string, string> = {}) =>
  readConfig({ schema, text, env, file: 'hearth.yaml', envPrefix: 'HEARTH' })

test('defaults fill what is absent', () => {
  expect(read('')).toEqual({ volume: { port: 8776, defaultType: 'plain' }, bus: 'memory' })
})

test('the environment overrides the file', () => {
  const env = { HEARTH_VOLUME__PORT: '1234', HEARTH_VOLUME__DEFAULT_TYPE: 'gold', HOME: '/root' }
  expect(read('volume: { port: 1 }', env)).toMatchObject({ volume: { port: 1234, defaultType: 'gold' } })
})

test.each([
  ['volume: { prot: 1 }', {}, 'hearth.yaml: volume.prot: there is no such key; known here are port, defaultType'],
  ['volume: { port: 70000 }', {}, 'hearth.yaml: volume.port: 70000 must be <= 65535'],
  ['', { HEARTH_VOLUME__PORT: 'high' }, 'HEARTH_VOLUME__PORT: volume.port: "high" must be integer'],
  ['bus: carrier-pigeon', {}, 'bus: "carrier-pigeon" must be one of memory, amqp'],
  ['[1]', {}, 'the file must hold keys and values'],
])('%s %o is refused: %s', (text, env, message) => {
  expect(() => read(text, env as Record<string, string>)).toThrow(message)
})

test('a secret that breaks a rule is not shown', () => {
  expect(() => read('volume: { adminPassword: hunter2 }')).toThrow(
    'volume.adminPassword: *** must NOT have fewer than 8',
  )
})
