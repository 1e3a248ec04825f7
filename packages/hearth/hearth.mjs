#!/usr/bin/env node
// Plain JavaScript, so that any Node can run it: the rest needs the Node from this project's own dependencies.
import { spawnSync } from 'node:child_process'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Read once, when the pool is first used: flushes of large bodies and password hashes would starve each other in four threads.
process.env.UV_THREADPOOL_SIZE ??= '16'

const cli = join(dirname(fileURLToPath(import.meta.url)), 'src', 'cli.ts')
if (Number(process.versions.node.split('.')[0]) >= 26) {
  module.enableCompileCache()
  await import(cli)
} else {
  const manifest = createRequire(import.meta.url).resolve('node/package.json')
  const node = join(dirname(manifest), 'bin', 'node')
  const done = spawnSync(node, [cli, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exitCode = done.status ?? 1
}
