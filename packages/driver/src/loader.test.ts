import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { driverKind, openDriver } from './loader.ts'
import { quietLog as log } from './quiet-log.ts'
import { openRunner } from './runner.ts'

const deps = { run: openRunner({ log }), log }
let folder = ''

async function pluginFile(name: string, body: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, body)
  return path
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hearth-loader-'))
})
afterAll(() => rm(folder, { recursive: true }))

const echo = `export default { contract: 1, kind: 'echo', roles: { backup: async (options) => ({ options }) }, options: { backup: {
  type: 'object', required: ['folder'], properties: {
    folder: { type: 'string' }, depth: { type: 'integer', minimum: 1, default: 2 },
    mode: { enum: ['fast', 'safe'] }, password: { type: 'string', minLength: 8, writeOnly: true },
  } } } }`

test('a driver opens with its options checked and their defaults filled in', async () => {
  const path = await pluginFile('echo.mjs', echo)
  expect(await openDriver('backup', path, { folder: '/x' }, deps)).toEqual({ options: { folder: '/x', depth: 2 } })
})

test('a wrong option is named with its value and the rule', async () => {
  const path = await pluginFile('echo.mjs', echo)
  const open = (options: Record<string, unknown>) => openDriver('backup', path, options, deps)
  await expect(open({ folder: '/x', depth: 0 })).rejects.toThrow('depth = 0 must be >= 1')
  await expect(open({})).rejects.toThrow('folder is missing')
  await expect(open({ folder: '/x', colour: 1 })).rejects.toThrow('colour is not an option')
  await expect(open({ folder: '/x', mode: 'wild' })).rejects.toThrow('mode = "wild" must be equal to one of')
  await expect(open({ folder: '/x', password: 'secret' })).rejects.toThrow('password = *** must NOT have fewer')
})

test('a package that is not installed is named', async () => {
  const open = openDriver('volume', '@nobody/driver-none', {}, deps)
  await expect(open).rejects.toThrow('"@nobody/driver-none" cannot be loaded: it is not installed')
  await expect(open).rejects.toMatchObject({ kind: 'invalid' })
})

test('a module that is no driver, or speaks another contract, is refused', async () => {
  const stranger = await pluginFile('stranger.mjs', 'export const x = 1')
  await expect(openDriver('volume', stranger, {}, deps)).rejects.toThrow('its default export has no roles')
  const future = await pluginFile('future.mjs', 'export default { contract: 2, roles: {}, options: {} }')
  await expect(openDriver('volume', future, {}, deps)).rejects.toThrow('speaks driver contract 2')
})

test('the kind of a driver is what it says, not its file; one that says none is refused', async () => {
  expect(await driverKind(await pluginFile('acme-storage.mjs', echo))).toBe('echo')
  const nameless = await pluginFile('nameless.mjs', 'export default { contract: 1, roles: {}, options: {} }')
  await expect(driverKind(nameless)).rejects.toThrow('its kind must be a word of small letters, digits and "-"')
})

test('a role the driver does not have is refused with those it has', async () => {
  const path = await pluginFile('echo.mjs', echo)
  await expect(openDriver('volume', path, {}, deps)).rejects.toThrow('no role "volume" (it has: backup)')
})

test('the memory driver opens by its package name in every role', async () => {
  const memory = '@hearth/driver-memory'
  const volumes = await openDriver('volume', memory, {}, deps)
  await volumes.create({ id: '1', name: 'volume-1', sizeGiB: 1 })
  expect(await volumes.list?.()).toEqual({ volumes: ['volume-1'], snapshots: [] })
  await volumes.close?.()
  expect(await (await openDriver('export', memory, {}, deps)).list()).toEqual([])
  expect(await (await openDriver('image', memory, {}, deps)).list?.()).toEqual([])
  expect(await (await openDriver('backup', memory, {}, deps)).list('x', '')).toEqual([])
})
