import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from './config.ts'
import { configSchema } from './config-schema.ts'
import { folderWith } from './folder-for-tests.ts'

test("without a word everything listens on loopback on OpenStack's ports", () => {
  const config = loadConfig(join(folderWith(''), 'hearth.yaml'))
  expect(config).toMatchObject({ host: '127.0.0.1', database: 'sqlite:', bus: 'memory:', region: 'RegionOne' })
  expect([config.identity.port, config.volume.port, config.image.port, config.object.port]).toEqual([
    5000, 8776, 9292, 8080,
  ])
})

test('folders in the file are taken from the place of the file', () => {
  const folder = folderWith('dataFolder: here\nvolume: { policyFile: p.yaml }')
  const config = loadConfig(join(folder, 'hearth.yaml'))
  expect([config.dataFolder, config.volume.policyFile]).toEqual([join(folder, 'here'), join(folder, 'p.yaml')])
})

test('a file that is named but not there is refused', () => {
  expect(() => loadConfig('/nowhere/hearth.yaml')).toThrow('/nowhere/hearth.yaml: there is no such file')
})

test.each([
  ['volume: { port: 99999 }', 'volume.port: 99999 must be <= 65535'],
  ['volumes: {}', 'volumes: there is no such key'],
  ['volume: { portals: [here] }', 'volume.portals.0: "here" must match pattern'],
  ['volume: { backends: { x: {} } }', "must have required property 'driver'"],
])('%s is refused: %s', (text, message) => {
  expect(() => loadConfig(join(folderWith(text), 'hearth.yaml'))).toThrow(message)
})

const exampleFile = join(import.meta.dirname, '../../../hearth.example.yaml')

test('the example names every key of the schema, and its values are the defaults', () => {
  const text = readFileSync(exampleFile, 'utf8')
  const keysOf = (schema: object): string[] => Object.keys((schema as { properties: object }).properties)
  for (const key of keysOf(configSchema)) expect(text).toMatch(new RegExp(`^(# )?${key}:`, 'm'))
  for (const [name, section] of Object.entries(configSchema.properties))
    if ('properties' in section) for (const key of keysOf(section)) expect(text, `${name}.${key}`).toContain(`${key}:`)
  const { dataFolder: _here, ...example } = loadConfig(exampleFile)
  const { dataFolder: _there, ...defaults } = loadConfig(join(folderWith(''), 'hearth.yaml'))
  expect(example).toEqual(defaults)
})
