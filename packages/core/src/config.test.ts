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
        portals: { type: 'array', items: { type: 'string', pattern: ':' } },
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
  [
    'volume: { prot: 1 }',
    {},
    'hearth.yaml: volume.prot: there is no such key; did you mean port? Known here are port, defaultType, portals',
  ],
  ['volume: { port: 70000 }', {}, 'hearth.yaml: volume.port: 70000 must be <= 65535'],
  ['', { HEARTH_VOLUME__PORTALS: 'x' }, 'HEARTH_VOLUME__PORTALS: volume.portals.0: "x" must match pattern ":"'],
  ['', { HEARTH_VOLUME__PORT: 'high' }, 'HEARTH_VOLUME__PORT: volume.port: "high" must be integer'],
  ['bus: carrier-pigeon', {}, 'bus: "carrier-pigeon" must be one of memory, amqp'],
  [
    '',
    { HEARTH_VOLUME__PROT: '1' },
    'HEARTH_VOLUME__PROT: no key of the configuration has this variable; did you mean HEARTH_VOLUME__PORT?',
  ],
  ['', { HEARTH_VOLUME_PORT: '1' }, 'did you mean HEARTH_VOLUME__PORT?'],
  ['', { HEARTH_CONSTRUCTOR: '1' }, 'HEARTH_CONSTRUCTOR: no key'],
  ['volume: {port: 1', {}, 'hearth.yaml: line 1, column'],
  ['[1]', {}, 'the file must hold keys and values'],
])('%s %o is refused: %s', (text, env, message) => {
  expect(() => read(text, env as Record<string, string>)).toThrow(message)
})

const withSecrets = {
  type: 'object',
  additionalProperties: false,
  properties: {
    database: { type: 'string', minLength: 60, writeOnly: true },
    foreign: {
      type: ['object', 'null'],
      required: ['url', 'password'],
      properties: { url: { type: 'string' }, password: { type: 'string', minLength: 60, writeOnly: true } },
    },
    backends: {
      type: 'object',
      additionalProperties: { type: 'object', properties: { options: { type: 'object', writeOnly: true } } },
    },
  },
}

test.each([
  ['too short', 'database: canary', 'database: *** must NOT have fewer'],
  ['of the wrong type', 'database: [canary]', 'database: must be string'],
  [
    'below a key that misses its sibling',
    'foreign: { password: canary }',
    "foreign: must have required property 'url'",
  ],
  ['in place of the whole that holds it', 'foreign: canary', 'foreign: *** must be object'],
  ['in place of options', 'backends: { x: { options: canary } }', 'backends.x.options: *** must be object'],
  ['in place of one of many', 'backends: { x: canary }', 'backends.x: *** must be object'],
  ['in place of them all', 'backends: canary', 'backends: *** must be object'],
  ['with a quote too few', 'database: "canary', 'line 1, column'],
  ['that begins with an asterisk', 'database: *canary', 'put it in quotes'],
  ['that begins with an exclamation mark', 'database: !canary 5', 'database: ***'],
  ['behind a quoted text', "database: 'a' canary", 'line 1, column'],
])('a secret %s is not shown', (_how, text, message) => {
  const attempt = () => readConfig({ schema: withSecrets, text, env: {}, file: 'hearth.yaml', envPrefix: 'HEARTH' })
  expect(attempt).toThrow(message)
  expect(attempt).not.toThrow('canary')
})
