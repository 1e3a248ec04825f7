import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { own } from '@hearth/core'
import { Command } from 'commander'
import type { Config } from '../config-types.ts'
import { examineHost } from '../doctor.ts'
import { makeFolders } from '../folders.ts'
import { roleNames } from '../role-names.ts'
import { runSuite } from '../run-suite.ts'
import type { Suite } from '../suite.ts'
import { configOf } from './config-option.ts'

const readyWithinMs = 120_000

/** Returns the command `hearth up`. */
export function upCommand(): Command {
  return new Command('up')
    .description('Starts everything on this machine, in the foreground; Ctrl-C stops it')
    .option('-d, --detach', 'start in the background and return when ready')
    .action(async (options: { detach?: boolean }, command: Command) => {
      const config = configOf(command)
      await (options.detach ? startDetached(config, command) : startHere(config))
    })
}

async function startHere(config: Config): Promise<void> {
  const started = performance.now()
  makeFolders(config.dataFolder)
  for (const finding of examineHost(config.dataFolder))
    if (!finding.ok && ['root', 'reflink', 'qemu-img', 'tgtd'].includes(finding.name))
      process.stdout.write(`· ${finding.found}: ${finding.without}. To get it: ${finding.remedy}\n`)
  const roles = roleNames.filter((role) => !config.identity.foreign || role !== 'keystone.api')
  await runSuite(config, roles, {
    ready: (suite) => readyText(config, suite, (performance.now() - started) / 1000),
  })
}

function readyText(config: Config, suite: Suite, seconds: number): string {
  const url = (role: string): string => own(suite.urls, role) ?? 'elsewhere'
  return `
Hearth is ready (${seconds.toFixed(1)} s).

  identity       ${url('keystone.api')}/v3
  block storage  ${url('cinder.api')}/v3
  images         ${url('glance.api')}
  objects        ${url('swift.proxy')}
  data           ${config.dataFolder}

In another terminal, from here:
  eval "$(./hearth openrc)"                        # as the demo user; --as admin for the administrator
  openstack volume create --size 1 first
  openstack image create --disk-format qcow2 --file disk.qcow2 my-image
  openstack container create photos
Ctrl-C stops.`
}

async function startDetached(config: Config, command: Command): Promise<void> {
  const folders = makeFolders(config.dataFolder)
  const file = command.optsWithGlobals<{ config?: string }>().config
  const out = join(folders.log, 'up.out')
  const log = openSync(out, 'w', 0o600)
  const entry = process.argv[1]!
  const child = spawn(process.execPath, [entry, ...(file ? ['--config', file] : []), 'up'], {
    detached: true,
    stdio: ['ignore', log, log],
  })
  let ended = false
  child.on('exit', () => {
    ended = true
  })
  const deadline = Date.now() + readyWithinMs
  const isReady = (): boolean => readFileSync(out, 'utf8').includes('Hearth is ready')
  while (!ended && !isReady() && Date.now() < deadline) await sleep(25)
  const said = readFileSync(out, 'utf8').trimEnd()
  if (ended || Date.now() >= deadline) {
    process.stderr.write(`${said.slice(-4000)}\nhearth: it did not get ready; the whole of what it said is in ${out}\n`)
    process.exit(1)
  }
  child.unref()
  process.stdout.write(`${said.replace('\nCtrl-C stops.', '')}\n`)
  process.stdout.write(`Hearth is ready, in the background (process ${child.pid}). Stop it with: ./hearth down\n`)
}
