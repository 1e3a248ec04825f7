import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const example = join(root, 'test/example-driver')
const readme = join(root, 'packages/driver/README.md')
const scratch = await mkdtemp(join(tmpdir(), 'hearth-example-'))
afterAll(() => rm(scratch, { recursive: true }))

test('the README’s page is the example package, to the letter', async () => {
  const page = await readFile(readme, 'utf8')
  const blocks = [...page.matchAll(/^`(\S+)`[^\n]*\n\n```\w+\n(.*?)^```$/gms)].map(([, name, code]) => [name, code])
  const files = (await readdir(example)).sort()
  expect(blocks.map(([name]) => name).sort()).toEqual(files)
  for (const [name, code] of blocks) expect(code).toBe(await readFile(join(example, name!), 'utf8'))
})

test('the example driver passes its contract as a stranger’s package, with the driver package as it is published', {
  timeout: 600_000,
}, async () => {
  const npm = (args: string[], cwd: string) =>
    execa('npm', args, { cwd, env: { npm_config_cache: join(scratch, 'cache'), npm_config_update_notifier: 'false' } })
  await execa(process.execPath, [join(root, 'packages/driver/pack.mjs'), scratch], { cwd: root })
  const packed = await npm(['pack', '--pack-destination', scratch], join(scratch, 'package'))
  const home = join(scratch, 'driver-shelf')
  await cp(example, home, { recursive: true })
  // Links to this checkout stand for the registry; npm installs nothing below a link.
  const linked = ['execa', 'ajv', 'vitest'].map((name) => `file:${join(root, 'node_modules', name)}`)
  const offline = ['--offline', '--no-audit', '--no-fund', '--ignore-scripts', '--save-dev']
  await npm(['install', ...offline, join(scratch, packed.stdout.trim().split('\n').at(-1)!), ...linked], home)
  const installed = join(home, 'node_modules/@hearth/driver')
  const sources = (await readdir(installed, { recursive: true })).filter((name) => /(?<!\.d)\.ts$/.test(name))
  expect(sources).toEqual([])

  const vitest = join(home, 'node_modules/vitest/vitest.mjs')
  const report = join(scratch, 'report.json')
  const run = await execa(process.execPath, [vitest, 'run', '--reporter=json', `--outputFile=${report}`], {
    cwd: home,
    reject: false,
    all: true,
    env: { VITEST: undefined, VITEST_WORKER_ID: undefined, VITEST_POOL_ID: undefined },
  })
  const counts = JSON.parse(await readFile(report, 'utf8').catch(() => '{}')) as Record<string, number>
  expect({ code: run.exitCode, failed: counts.numFailedTests, skipped: counts.numPendingTests }, run.all).toEqual({
    code: 0,
    failed: 0,
    skipped: 0,
  })
  expect(counts.numPassedTests).toBeGreaterThan(25)
})
