import { globSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { wrongDependencies } from './layout/dependencies.ts'
import { exportsOf, unusedExports } from './layout/exports.ts'
import { functionsOf } from './layout/functions.ts'
import { circlesOf, graphOf, packageFolderOf } from './layout/graph.ts'
import { inheritedKeyLookups } from './layout/inherited-keys.ts'
import { upwardImports } from './layout/layers.ts'
import { openProject } from './layout/project.ts'
import { hardComments, withoutDocstring } from './layout/words.ts'

const root = join(import.meta.dirname, '..')
const sources = globSync('{packages,drivers,ring,test,bench}/**/*.ts', {
  cwd: root,
  exclude: (path) => path.includes('node_modules'),
}).sort()
const project = openProject(root, join(root, 'tsconfig.json'), (file) =>
  /^(packages|drivers|ring|test|bench)\//.test(file),
)
afterAll(() => project.close())
const text = new Map(sources.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
const graph = graphOf(root, project.files)
const isTest = (file: string): boolean => /\.(test|bench)\.ts$/.test(file) || file.startsWith('test/')

/** Direct dependencies a package may have among ours; everything else points upward or sideways. */
const mayImport: Record<string, string[]> = {
  core: [],
  ring: [],
  driver: [],
  auth: ['core'],
  database: ['core'],
  bus: ['core', 'database'],
  http: ['core', 'auth'],
  keystone: ['core', 'auth', 'database', 'http'],
  cinder: ['core', 'auth', 'database', 'bus', 'http', 'driver'],
  glance: ['core', 'auth', 'database', 'bus', 'http', 'driver'],
  swift: ['core', 'auth', 'http', 'ring'],
}

/** Files over their budget, each with why. */
const longFiles: Record<string, string> = {}
const longFunctions: Record<string, string> = {}

function packageOf(file: string): string {
  const [top, name] = file.split('/')
  return top === 'packages' ? name! : top === 'drivers' ? 'drivers' : top!
}

const importsOf = (file: string): string[] => (graph.get(file) ?? []).map(({ from }) => from)

function offenders(pick: (file: string) => boolean): string[] {
  return sources.filter(pick)
}

test('beside the six folders the top level has only files', () => {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const known = ['packages', 'drivers', 'ring', 'test', 'bench', 'node_modules', 'data']
  expect(folders.map((entry) => entry.name).filter((name) => !name.startsWith('.') && !known.includes(name))).toEqual(
    [],
  )
})

test('packages import only from lower levels', () => {
  const wrong = sources.flatMap((file) => {
    const allowed = isTest(file) ? null : mayImport[packageOf(file)]
    if (!allowed) return []
    const ours = importsOf(file).filter((name) => name.startsWith('@hearth/'))
    return ours
      .map((name) => name.split('/')[1]!)
      .filter((name) => name !== packageOf(file) && !allowed.includes(name))
      .map((name) => `${file} imports ${name}`)
  })
  expect(wrong).toEqual([])
})

test('drivers import only the driver package of ours', () => {
  const wrong = sources
    .filter((file) => file.startsWith('drivers/') && !isTest(file))
    .flatMap((file) => importsOf(file).map((name) => [file, name] as const))
    .filter(([, name]) => name.startsWith('@hearth/') && !name.startsWith('@hearth/driver'))
  expect(wrong).toEqual([])
})

test('no relative import leaves its package', () => {
  // The fuzzer calls functions that no package exports.
  const kept = sources.filter((file) => !file.startsWith('test/fuzz/targets/') && file !== 'test/fuzz/swift-request.ts')
  const wrong = kept.flatMap((file) =>
    importsOf(file)
      .filter((name) => name.startsWith('.'))
      .map((name) => join(dirname(file), name))
      .filter((target) => packageFolderOf(target) !== packageFolderOf(file))
      .map((target) => `${file} → ${target}`),
  )
  expect(wrong).toEqual([])
})

test('folders of a service import only the folders below them: roles the model, but no other role', () => {
  expect(upwardImports(graph, isTest)).toEqual([])
})

test('no files import one another in a circle, types included', () => {
  expect(circlesOf(graph)).toEqual([])
})

test('the compiler reads every file that the other rules look at', () => {
  const unread = sources.filter((file) => !project.files.has(file) && !file.startsWith('test/layout/inherited-keys/'))
  expect(unread).toEqual([])
})

test('each package declares the packages that it imports, and names those that it declares', () => {
  expect(wrongDependencies(root, graph, text)).toEqual([])
})

test('each export is imported by another file', () => {
  // Drivers of others import @hearth/driver; the sample of inherited keys is read, not run.
  const isPublic = (file: string): boolean => /^(packages\/driver|test\/layout\/inherited-keys)\//.test(file)
  const exported = [...project.files].flatMap(([file, source]) => exportsOf(file, source))
  const unused = unusedExports(graph, exported).filter(({ file }) => !isPublic(file))
  expect(unused.map(({ file, line, name }) => `${file}:${line} ${name}`)).toEqual([])
})

test('comments are plain and short, and exported functions have a docstring', () => {
  const checked = [...project.files].filter(([file]) => !file.startsWith('test/'))
  const hard = checked.flatMap(([file, source]) => {
    const undocumented = isTest(file) ? [] : withoutDocstring(source)
    return [...hardComments(source), ...undocumented].map((finding) => `${file}:${finding}`)
  })
  expect(hard).toEqual([])
})

test('each error code of a table is thrown somewhere', () => {
  const code = sources.filter((file) => !isTest(file)).map((file) => [file, text.get(file)!] as const)
  const unused = code
    .filter(([, source]) => source.includes('errorTable('))
    .flatMap(([file, source]) =>
      [...source.matchAll(/^ {2}(\w+): \[\s*\d{3},/gm)].map((match) => [file, match[1]!] as const),
    )
    .filter(([, name]) => code.reduce((sum, [, source]) => sum + countOf(source, name), 0) < 2)
  expect(unused.map(([file, name]) => `${file}: ${name}`)).toEqual([])
})

const countOf = (source: string, name: string): number => source.match(new RegExp(`\\b${name}\\b`, 'g'))?.length ?? 0

test('black-box tests import nothing of ours but the starter', () => {
  const wrong = sources
    .filter((file) => /^test\/(api|attack|clients)\//.test(file))
    .flatMap((file) => importsOf(file).map((name) => [file, name] as const))
    .filter(([, name]) => name.startsWith('@hearth/') || /\/(packages|drivers|ring)\//.test(name))
  expect(wrong).toEqual([])
})

test('fastify is known to http, to routes and to server files only', () => {
  const mayKnow = (file: string): boolean => file.startsWith('packages/http/') || /(routes|server)\.ts$/.test(file)
  expect(offenders((file) => importsOf(file).includes('fastify') && !mayKnow(file) && !isTest(file))).toEqual([])
})

test('knex is known to database, migrations and stores only', () => {
  const mayKnow = (file: string): boolean => file.startsWith('packages/database/')
  expect(offenders((file) => importsOf(file).includes('knex') && !mayKnow(file) && !isTest(file))).toEqual([])
})

test('only the configuration reads the environment', () => {
  const mayRead = (file: string): boolean =>
    isTest(file) || file === 'packages/hearth/src/config.ts' || file.startsWith('bench/')
  expect(offenders((file) => text.get(file)!.includes('process.env') && !mayRead(file))).toEqual([])
})

test('no file is a dumping ground', () => {
  const names = /^(utils?|common|helpers?|misc)(\.|$)/
  expect(offenders((file) => file.split('/').some((part) => names.test(part)))).toEqual([])
})

test('file names are kebab-case words with known suffixes', () => {
  const name = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.bench)?\.ts$/
  expect(offenders((file) => !name.test(basename(file)))).toEqual([])
})

test('files keep their budgets', () => {
  const budget = (file: string): number => (file.startsWith('drivers/') ? 400 : 300)
  const long = sources
    .map((file) => [file, text.get(file)!.split('\n').length - 1] as const)
    .filter(([file, lines]) => lines > budget(file) && !(file in longFiles))
  expect(long).toEqual([])
})

test('functions keep their budget of 50 lines', () => {
  const long = sources
    .filter((file) => !isTest(file) && !file.includes('/contract/'))
    .flatMap((file) => functionsOf(file, project.files.get(file)!))
    .filter((found) => found.lines > 50 && !(`${found.file}:${found.name}` in longFunctions))
  expect(long).toEqual([])
})

test('no name from outside can reach what objects inherit: own() and setOwn() of core, or a Map', () => {
  const isSource = (file: string): boolean => /^packages\/\w+\/src\//.test(file) && !isTest(file)
  const checked = [...project.files].filter(([file]) => isSource(file) && file !== 'packages/core/src/members.ts')
  expect(inheritedKeyLookups({ files: new Map(checked), checker: project.checker })).toEqual([])
})

test('the search for inherited keys finds reads, writes, casts and "in", and lets guarded ones be', () => {
  const folder = join(import.meta.dirname, 'layout', 'inherited-keys')
  const sample = openProject(folder, join(folder, 'tsconfig.json'), (file) => file === 'sample.ts')
  const found = inheritedKeyLookups(sample)
  sample.close()
  const marked = readFileSync(join(folder, 'sample.ts'), 'utf8')
    .split('\n')
    .flatMap((line, index) => (line.includes('// found') ? [`sample.ts:${index + 1}`] : []))
  expect([...new Set(found.map((place) => place.split(' ')[0]))]).toEqual(marked)
})

test('only plug-ins and configurations have a default export', () => {
  const allowed = (file: string): boolean => /^drivers\/[^/]+\/index\.ts$/.test(file) || isTest(file)
  expect(offenders((file) => /^export default/m.test(text.get(file)!) && !allowed(file))).toEqual([])
})

test('drivers extend no classes', () => {
  const extending = /class \w+ extends (?!Error)/
  expect(offenders((file) => file.startsWith('drivers/') && extending.test(text.get(file)!))).toEqual([])
})

test('a status is written by move() only', () => {
  const service = /^packages\/(cinder|glance)\//
  const writes = /\.update\(\s*\{[^}]*\bstatus\s*:/
  expect(offenders((file) => service.test(file) && !isTest(file) && writes.test(text.get(file)!))).toEqual([])
})

test('package scripts are ten at most', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  expect(Object.keys(scripts).length).toBeLessThanOrEqual(10)
})

test.each(['keystone', 'cinder', 'glance'])(
  'each route of %s names a policy that exists, and each policy is used',
  async (name) => {
    const service = (await import(`@hearth/${name}`)) as {
      routes: { method: string; path: string; policy: string | null }[]
      policies: Record<string, string>
    }
    const rows = service.routes.filter((row) => row.policy !== null && !(row.policy in service.policies))
    expect(rows.map((row) => `${row.method} ${row.path}: ${row.policy}`)).toEqual([])
    const code = sources.filter((file) => file.startsWith(`packages/${name}/src/`) && !isTest(file))
    const whole = code
      .filter((file) => basename(file) !== 'policies.ts')
      .map((file) => text.get(file)!)
      .join('\n')
    const rules = Object.entries(service.policies)
    const referred = rules.map(([, rule]) => rule).join('\n')
    const routed = new Set(service.routes.map((row) => row.policy))
    const named = (rule: string) => routed.has(rule) || whole.includes(`'${rule}'`)
    const unused = rules.filter(([rule]) => !named(rule) && !referred.includes(`rule:${rule}`))
    expect(unused.map(([rule]) => rule)).toEqual([])
  },
)

test('nothing names the place it was made at', () => {
  // Where anybody may have a checkout beside much else, its folder is no sign of one.
  const usual = ['/home', '/mnt', '/opt', '/root', '/srv', '/tmp', '/usr/src', '/var/tmp']
  const folder = dirname(root)
  const place = usual.includes(folder) ? `${root}/` : `${folder}/[a-z.]`
  // An absolute path only: folders of the same name inside of others are none.
  const named = folder === '/' ? /^(?!)/ : new RegExp(`(?<![\\w.})-])${place}`)
  expect(offenders((file) => file !== 'test/layout.test.ts' && named.test(text.get(file)!))).toEqual([])
})
