/**
 * Makes the package as it is published, since Node runs no TypeScript below node_modules: JavaScript, declarations, the
 * README. `node pack.mjs FOLDER` writes FOLDER/package, for `npm pack` or `npm publish`.
 */
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'

const here = import.meta.dirname
const folder = join(resolve(process.argv[2] ?? '.'), 'package')
await mkdir(folder, { recursive: true })

const compiler = join(here, '../../node_modules/.bin/tsc')
execFileSync(compiler, ['-p', join(here, 'tsconfig.pack.json'), '--outDir', folder], { stdio: 'inherit' })

const {
  private: _,
  scripts: __,
  exports: sources,
  ...manifest
} = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'))
const exports = Object.fromEntries(
  Object.entries(sources).map(([name, source]) => [
    name,
    { types: source.replace(/\.ts$/, '.d.ts'), default: source.replace(/\.ts$/, '.js') },
  ]),
)
// The contract suites register tests of it; a service that only opens drivers needs none.
const tests = { peerDependencies: { vitest: '>=5' }, peerDependenciesMeta: { vitest: { optional: true } } }
await writeFile(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, ...tests, exports }, null, 2)}\n`)
await copyFile(join(here, 'README.md'), join(folder, 'README.md'))
await copyFile(join(here, '../../LICENSE'), join(folder, 'LICENSE'))
