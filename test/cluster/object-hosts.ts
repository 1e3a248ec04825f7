import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../lab/daemon.ts'
import { hearthCommand, type Started, start } from '../start.ts'

const undo: (() => Promise<unknown>)[] = []

/** Stops what openHosts has started. */
export async function closeHosts(): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step()
}

interface Hosts {
  home: Started
  others: Started[]
  /** Ports of the storage plane, by host. */
  ports: number[]
}

interface HostsOptions {
  /** Edits secrets of the third host. */
  change?(secrets: Record<string, string>): void
  /** The member `tls` of each host. */
  tls?: Record<string, string>[]
}

export const logOf = ({ dataFolder }: Started): string => readFileSync(join(dataFolder, 'log', 'hearth.log'), 'utf8')

/** Three hosts with a device each and rings made by the command; identity runs on the first. */
export async function openHosts({ change, tls }: HostsOptions = {}): Promise<Hosts> {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-hosts-'))
  undo.push(async () => rmSync(folder, { recursive: true, force: true }))
  const ports = await Promise.all([0, 1, 2].map(freePort))
  await makeRings(folder, ports)
  const open = async (index: number, processes: string[][], more: object): Promise<Started> => {
    const dataFolder = join(folder, `host${index}`)
    const devices = [{ path: join(dataFolder, 'sd') }]
    const object = { rings: folder, storageAddress: `127.0.0.1:${ports[index]}`, devices }
    const config = { object, ...(tls && { tls: tls[index]! }), ...more }
    const host = await start({ dataFolder, processes, config })
    undo.push(() => host.close())
    return host
  }
  const home = await open(0, [['keystone', 'swift']], {})
  const { stdout } = await hearthCommand(home.dataFolder, ['secrets', 'export', '--roles', 'swift'])
  const others: Started[] = []
  for (const index of [1, 2]) {
    const dataFolder = join(folder, `host${index}`)
    const secrets = JSON.parse(stdout) as Record<string, string>
    if (index === 2) change?.(secrets)
    mkdirSync(dataFolder)
    writeFileSync(join(dataFolder, 'secrets.json'), JSON.stringify(secrets), { mode: 0o600 })
    const identity = { publicUrl: home.urls.identity.replace('/v3', '') }
    others.push(await open(index, [['swift']], { identity }))
  }
  return { home, others, ports }
}

async function makeRings(folder: string, ports: number[]): Promise<void> {
  writeFileSync(join(folder, 'hearth.yaml'), '{}')
  for (const name of ['account', 'container', 'object']) {
    const builder = `${name}.builder.json`
    const ring = (...words: string[]) => hearthCommand(folder, ['ring', ...words])
    await ring('create', builder, '--part-power', '6')
    for (const [index, port] of ports.entries())
      await ring('add', builder, `z${index + 1}-127.0.0.1:${port}/sd1`, '100')
    await ring('rebalance', builder, '--output', `${name}.ring.gz`)
  }
}
