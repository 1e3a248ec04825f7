import { own, silentLog } from '@hearth/core'
import { openRunner, type Runner } from '@hearth/driver'
import { holderOf } from './check-ports.ts'
import type { BackendConfig, Config, PluginConfig } from './config-types.ts'
import type { Finding } from './doctor.ts'

type Verdict = Pick<Finding, 'ok' | 'found' | 'remedy'>
type Check = (options: Record<string, unknown>, run: Runner) => Promise<Verdict[]>

/** A storage host or cluster that takes longer counts as not responding. */
const timeout = 20_000

const good = (found: string): Verdict => ({ ok: true, found, remedy: '' })
const bad = (found: string, remedy: string): Verdict => ({ ok: false, found, remedy })

/** Whether the storage of each configured backend is there, asked on the host that owns it. Changes nothing. */
export async function examineBackends(config: Config): Promise<Finding[]> {
  if (config.volume.backends === null) return defaultBackend(config)
  const backends = Object.entries(config.volume.backends)
  return (await Promise.all(backends.map(([name, backend]) => examine(name, backend)))).flat()
}

async function examine(name: string, backend: BackendConfig): Promise<Finding[]> {
  const run = openRunner({ log: silentLog, ...(backend.ssh && { ssh: backend.ssh }) })
  const parts: [string, PluginConfig | null][] = [
    [`backend ${name}`, backend],
    [`export of ${name}`, backend.export],
  ]
  const without = `the backend ${name} stays down, and is tried again until it works`
  const finding = (part: string, verdict: Verdict): Finding => ({ name: part, without, needed: true, ...verdict })
  const unreached = backend.ssh && (await reach(backend.ssh, run))
  if (unreached) return [finding(parts[0]![0], unreached)]
  const found = parts.map(async ([part, plugin]) => {
    const verdicts = (plugin && (await own(checks, plugin.driver)?.(plugin.options, run))) ?? []
    return verdicts.map((verdict) => finding(part, verdict))
  })
  return (await Promise.all(found)).flat()
}

/** Files of the data folder, made at the first start, and tgtd on this host. */
async function defaultBackend({ volume: { portals } }: Config): Promise<Finding[]> {
  const run = openRunner({ log: silentLog })
  const verdicts = [await userTarget(run), ...portals.map(freePortal)]
  const without = 'the backend file stays down, and is tried again until it works'
  return verdicts.map((verdict) => ({ name: 'export of file', without, needed: true, ...verdict }))
}

/** A port that our own tgtd has is as good as a free one. */
function freePortal(portal: string): Verdict {
  const holder = holderOf(Number(portal.slice(portal.lastIndexOf(':') + 1)))
  if (holder === null || holder.startsWith('tgtd ')) return good(`the portal ${portal} is free or tgtd's`)
  return bad(`the portal ${portal} is in use by ${holder}`, 'stop that, or name another in volume.portals')
}

async function reach(ssh: string[], run: Runner): Promise<Verdict | null> {
  return run(['true'], { timeout }).then(
    () => null,
    (error: Error) => bad(error.message, `make this work without a password: ssh ${ssh.join(' ')} true`),
  )
}

/** Runs a command that succeeds when all is well. */
async function attempt(run: Runner, argv: string[], found: string, remedy: string): Promise<Verdict> {
  return run(argv, { timeout }).then(
    () => good(found),
    (error: Error) => bad(error.message, remedy),
  )
}

const checks: Record<string, Check> = {
  '@hearth/driver-file': async ({ folder }, run) => [
    await attempt(run, ['df', '-P', '--', String(folder)], `${folder} is there`, `mkdir -p ${folder}`),
  ],
  '@hearth/driver-lvm': async ({ volumeGroup }, run) => {
    const group = String(volumeGroup)
    const remedy = `apt-get install lvm2 thin-provisioning-tools; then vgcreate ${group} /dev/…`
    const asked = ['vgs', '--noheadings', '--options', 'vg_name', '--', group]
    return [await attempt(run, asked, `the volume group ${group} is there`, remedy)]
  },
  '@hearth/driver-nfs': async ({ shares }, run) => {
    const tool = await attempt(
      run,
      ['sh', '-c', 'command -v mount.nfs'],
      'mount.nfs is there',
      'apt-get install nfs-common',
    )
    return [tool, ...(await Promise.all((shares as { share: string }[]).map(({ share }) => nfsServer(share, run))))]
  },
  '@hearth/driver-rbd': async ({ conf, user = 'cinder', pool = 'volumes' }, run) => {
    const where = conf === undefined ? [] : ['--conf', String(conf)]
    const asked = ['rbd', ...where, '--id', String(user), '--pool', String(pool), 'ls']
    const remedy = `apt-get install ceph-common; put ceph.conf and the keyring of client.${user} in /etc/ceph; ceph osd pool create ${pool}`
    return [await attempt(run, asked, `the pool ${pool} is there`, remedy)]
  },
  '@hearth/driver-iscsi': async ({ target = 'tgt', portals = ['127.0.0.1:3260'] }, run) => {
    const found = await Promise.all((portals as string[]).map((portal) => ownAddress(portal, run)))
    return [target === 'lio' ? await kernelTarget(run) : await userTarget(run), ...found]
  },
}

async function nfsServer(share: string, run: Runner): Promise<Verdict> {
  const host = share.slice(0, share.lastIndexOf(':/')).replace(/^\[|\]$/g, '')
  const knock = ['timeout', '10', 'bash', '-c', ': </dev/tcp/"$1"/2049', 'bash', host]
  const remedy = `start the NFS server of ${share} and let this host through to its port 2049`
  return attempt(run, knock, `the server of ${share} answers`, remedy)
}

async function ownAddress(portal: string, run: Runner): Promise<Verdict> {
  const address = portal.slice(0, portal.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  const remedy = `give the host the address ${address}, or name another in the portals`
  const shown = await run(['ip', '-o', 'address', 'show', 'to', address], { timeout }).catch(() => ({ stdout: '' }))
  if (shown.stdout.trim() === '') return bad(`the portal ${portal} is no address of the host`, remedy)
  const only = address.startsWith('127.') || address === '::1' ? ', for this host alone' : ''
  return good(`the portal ${portal} is an address of the host${only}`)
}

function userTarget(run: Runner): Promise<Verdict> {
  return attempt(run, ['sh', '-c', 'command -v tgtd'], 'tgtd is there', 'apt-get install tgt')
}

function kernelTarget(run: Runner): Promise<Verdict> {
  const remedy = 'modprobe target_core_mod iscsi_target_mod && mount -t configfs none /sys/kernel/config'
  return attempt(run, ['test', '-d', '/sys/kernel/config/target'], 'the kernel iSCSI target is loaded', remedy)
}
