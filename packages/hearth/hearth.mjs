#!/usr/bin/env node
// Plain JavaScript, so that any Node can run it: the rest needs the Node from this project's own dependencies.
import { spawn } from 'node:child_process'
import module, { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Read once, when the pool is first used: flushes of large bodies and password hashes would starve each other in four threads.
process.env.UV_THREADPOOL_SIZE ??= '16'

// glibc raises this threshold by itself when a large block is freed; from then on blocks of bodies and password hashes stay in
// the process, some hundred MiB under load. glibc reads it once, so this process has to begin anew.
const beginsAnew = process.env.MALLOC_MMAP_THRESHOLD_ === undefined && process.platform === 'linux' && !process.channel
process.env.MALLOC_MMAP_THRESHOLD_ ??= '131072'
process.env.MALLOC_TRIM_THRESHOLD_ ??= '4194304'

const cli = join(dirname(fileURLToPath(import.meta.url)), 'src', 'cli.ts')
if (Number(process.versions.node.split('.')[0]) >= 26) {
  if (beginsAnew) execInPlace(process.execPath, [...process.execArgv, ...process.argv.slice(1)])
  module.enableCompileCache()
  await import(cli).catch(explainMissing)
} else {
  const manifest = createRequire(import.meta.url).resolve('node/package.json')
  const node = join(dirname(manifest), 'bin', 'node')
  const argv = [cli, ...process.argv.slice(2)]
  if (process.execve) execInPlace(node, argv)
  else runBeside(node, argv)
}

/** After an update of the checkout a package that is new in it is not installed yet. */
function explainMissing(error) {
  const [, name] = /^Cannot find package '([^']+)'/.exec(error.message ?? '') ?? []
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !name) throw error
  process.stderr.write(
    `hearth: the npm package ${name} is not installed. Install what is missing with: sh setup.sh run\n`,
  )
  process.exitCode = 1
}

/** Puts a program in the place of this process, so that signals and exit codes are its own. */
function execInPlace(file, argv) {
  const { emitWarning } = process
  // Node warns that this is experimental.
  process.emitWarning = () => undefined
  try {
    process.execve(file, [file, ...argv], process.env)
  } finally {
    process.emitWarning = emitWarning
  }
}

/** Runs it as a child that gets every signal this process gets, and ends as it ends. When this process is killed the channel tells it to stop. */
function runBeside(node, argv) {
  const child = spawn(node, argv, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']
  const forward = (signal) => child.kill(signal)
  for (const signal of signals) process.on(signal, forward)
  child.on('error', (error) => {
    process.stderr.write(`hearth: ${node} cannot be started: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    for (const name of signals) process.off(name, forward)
    if (signal) process.kill(process.pid, signal)
    process.exitCode = code ?? 1
  })
}
