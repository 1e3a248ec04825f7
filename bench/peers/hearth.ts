import { writeFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@hearth/test/lab/daemon.ts'
import { execa } from 'execa'
import { type RunningCloud, variablesOf } from './running-cloud.ts'

const root = join(import.meta.dirname, '..', '..')
const hearth = join(root, 'packages', 'hearth', 'hearth.mjs')
const readyMs = 60_000

/** Starts Hearth in `folder` with volumes and images in the pools of the cluster. */
export async function startHearth(folder: string, cephConf: string): Promise<RunningCloud> {
  const dataFolder = join(folder, 'hearth')
  await mkdir(dataFolder, { recursive: true })
  const file = join(dataFolder, 'hearth.yaml')
  const [identity, volume, image, object] = await Promise.all(Array.from({ length: 4 }, freePort))
  const driver = '@hearth/driver-rbd'
  // JSON is YAML, too.
  const config = {
    dataFolder,
    identity: { port: identity },
    volume: {
      port: volume,
      backends: { rbd: { driver, options: { pool: 'volumes', user: 'cinder', conf: cephConf } } },
    },
    image: { port: image, stores: { rbd: { driver, options: { pool: 'images', user: 'cinder', conf: cephConf } } } },
    object: { port: object },
  }
  writeFileSync(file, JSON.stringify(config))
  const child = execa(process.execPath, [hearth, '--config', file, 'up'], { all: true, buffer: false, reject: false })
  let said = ''
  child.all.on('data', (data: Buffer) => {
    said = (said + data.toString()).slice(-8000)
  })
  let ended = false
  void child.then(() => {
    ended = true
  })
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await child
    await rm(dataFolder, { recursive: true, force: true })
  }
  const deadline = Date.now() + readyMs
  while (!/^(Hearth is ready|Ready\.)/m.test(said)) {
    if (Date.now() > deadline || ended) {
      await stop()
      throw new Error(`Hearth did not get ready:\n${said}`)
    }
    await sleep(50)
  }
  const { stdout } = await execa(process.execPath, [hearth, '--config', file, 'openrc', '--as', 'admin'])
  return { env: variablesOf(stdout), stop }
}
