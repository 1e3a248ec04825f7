import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { type Cloud, imageBytes, testImages } from './cloud.ts'
import { stestrConf, tempestConf } from './configuration.ts'
import { openSubunitReader, type TestResult } from './subunit.ts'

export const sets: Record<string, string> = {
  volume: String.raw`^tempest\.api\.volume`,
  image: String.raw`^tempest\.api\.image`,
  object: String.raw`^tempest\.api\.object_storage`,
  identity: String.raw`^tempest\.api\.identity\.(v3|admin\.v3)`,
}

interface TempestOptions {
  /** The image service keeps a cache on its host. */
  imageCache: boolean
  set: string
  regex: string | null
  concurrency: number
  /** For configuration, logs and stestr's records. */
  folder: string
  ended(result: TestResult): void
}

/** Debian's Python and its programs, whatever else comes first in PATH. */
const environment = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', PYTHONWARNINGS: 'ignore', LC_ALL: 'C.UTF-8' }

/** Runs a set of Tempest's tests against the cloud. Throws when stestr itself fails, with the end of what it said. */
export async function runTempest(cloud: Cloud, options: TempestOptions): Promise<void> {
  const { folder } = options
  for (const name of ['etc', 'lock', 'logs']) mkdirSync(join(folder, name), { recursive: true })
  const server = await serveImage()
  try {
    const imageUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/test.img`
    const conf = tempestConf(cloud, {
      folder,
      images: await testImages(cloud),
      imageUrl,
      imageCache: options.imageCache,
    })
    writeFileSync(join(folder, 'etc', 'tempest.conf'), conf, { mode: 0o600 })
    writeFileSync(join(folder, '.stestr.conf'), stestrConf)
    if (!existsSync(join(folder, '.stestr')))
      await execa('stestr', ['init'], { cwd: folder, env: environment, extendEnv: false })
    await stestr(options)
  } finally {
    server.close()
  }
}

async function stestr(options: TempestOptions): Promise<void> {
  const { folder, set, regex, concurrency } = options
  const filter = regex === null ? sets[set]! : `${sets[set]!}.*(${regex})`
  const complaints = join(folder, 'logs', 'stestr.err')
  const env = { ...environment, HOME: folder, TEMPEST_CONFIG_DIR: join(folder, 'etc'), TEMPEST_CONFIG: 'tempest.conf' }
  const child = spawn('stestr', ['run', '--concurrency', String(concurrency), '--subunit', filter], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', openSync(complaints, 'w')],
  })
  const kill = (): void => void child.kill()
  process.on('exit', kill)
  let count = 0
  const reader = openSubunitReader((result) => {
    count++
    options.ended(result)
  })
  child.stdout!.on('data', (chunk: Buffer) => reader.write(chunk))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', (error) => reject(new Error(`stestr does not start (apt-get install tempest): ${error.message}`)))
    child.on('close', resolve)
  })
  process.off('exit', kill)
  if (count === 0)
    throw new Error(`no test ran (stestr ended with ${code}): ${readFileSync(complaints, 'utf8').slice(-2000)}`)
}

/** An image on loopback for tests that import from the web. */
async function serveImage(): Promise<Server> {
  const bytes = imageBytes()
  const server = createServer((_request, response) => {
    response.setHeader('content-length', bytes.length)
    response.end(bytes)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  server.unref()
  return server
}
