import { type DriverDeps, DriverError, type ExportDriver, type ExportRequest, openExclusive } from '@hearth/driver'
import type { IscsiOptions } from '../options.ts'
import { checkKernelNames, checkName, checkRequest, stopIfAborted } from '../request.ts'
import { configfsRoot, openConfigfs } from './configfs.ts'
import type { Configfs, Found, Step } from './configfs-step.ts'
import {
  adapterOf,
  creation,
  firstCreation,
  isEnabled,
  kindOf,
  type Places,
  placesOf,
  removal,
  renewal,
  requireIdentity,
  stateOf,
  type TargetState,
} from './plan.ts'

const lun = 0
const modules = ['target_core_mod', 'target_core_iblock', 'target_core_file', 'iscsi_target_mod']

/**
 * Loads the missing kernel modules; `$1` is the tree, `$2` the adapters' number. The kernel keeps reservations in
 * /var/target.
 */
const readying = `
root=$1; shift
[ -d "\${root%/target}" ] || modprobe configfs || exit
mountpoint -q "\${root%/target}" || mount -t configfs configfs "\${root%/target}" || exit
[ -d "$root/iscsi" ] || modprobe -a "$@" || exit
[ -d "$root/iscsi" ] || mkdir "$root/iscsi" || exit
mkdir -p /var/target/pr /var/target/alua
ip -o addr show
`

interface Server {
  options: IscsiOptions
  configfs: Configfs
}

/**
 * Targets of the kernel, one for each volume with LUN 0, made by writing into configfs. They live as long as the
 * kernel: they outlive this process, and after a reboot the volume service offers again what its database says. Only
 * targets with this driver's prefix are touched.
 */
export async function openLio(options: IscsiOptions, deps: DriverDeps): Promise<ExportDriver> {
  const server: Server = { options, configfs: openConfigfs(deps) }
  const { configfs } = server
  const exclusive = openExclusive()
  const { prefix, portals } = options
  return {
    async start() {
      checkAddresses(portals, await ready(deps))
      await tryPortals(server)
      const names = await list(server)
      deps.log.info({ portals, targets: names.length }, 'the kernel target is ready')
    },
    create: (asked, signal) =>
      exclusive(asked.name, async () => {
        const request = { ...asked, mutual: asked.mutual ?? (asked.chap ? (options.mutual ?? null) : null) }
        checkRequest(request)
        checkKernelNames(request)
        stopIfAborted(request, signal)
        await ensureTarget(server, request)
        if (signal?.aborted) await removeTarget(server, request.name)
        stopIfAborted(request, signal)
        return { portals: [...portals], iqn: `${prefix}${request.name}`, lun, chap: request.chap }
      }),
    remove: (name) =>
      exclusive(name, async () => {
        checkName(name)
        await removeTarget(server, name)
      }),
    resize: (name, sizeBytes) =>
      exclusive(name, async () => {
        checkName(name)
        // The kernel reads the size of a block device itself.
        const { fileio } = placesOf(prefix, name)
        const found = await configfs.apply([['read', fileio]])
        if (found.has(fileio)) await configfs.apply([['write', `${fileio}/control`, `fd_dev_size=${sizeBytes}`]])
      }),
    list: () => list(server),
    sessions: () => sessions(server),
    async close() {},
  }
}

/** Returns whether the host of `deps.run` has the kernel target or can load it. */
export async function hasLio({ run }: DriverDeps): Promise<boolean> {
  const probe = '[ -d "$1" ] || modprobe -n -a "$2" 2>/dev/null'
  const root = await run(['sh', '-c', probe, 'sh', `${configfsRoot}/iscsi`, 'iscsi_target_mod'], {
    allow: [0, 1, 2, 126, 127],
  })
  return root.exitCode === 0
}

/** Returns the addresses of the host. */
async function ready({ run }: DriverDeps): Promise<string[]> {
  const { stdout, stderr, exitCode } = await run(['sh', '-c', readying, 'sh', configfsRoot, ...modules], {
    allow: [0, 1, 2, 32, 126, 127],
  })
  if (exitCode !== 0) {
    const said = stderr.trim().split('\n').at(-1)
    throw new DriverError(
      'unsupported',
      `This host has no kernel target (LIO): ${said}; root and its modules are needed`,
    )
  }
  return [...stdout.matchAll(/ inet6? ([^/ ]+)/g)].map((match) => match[1]!)
}

/** Checks the addresses, because the kernel accepts a portal with an address that the host does not have. */
function checkAddresses(portals: string[], addresses: string[]): void {
  for (const portal of portals) {
    const host = portal.slice(0, portal.lastIndexOf(':')).replace(/^\[|\]$/g, '')
    if (host === '0.0.0.0' || host === '::' || addresses.includes(host)) continue
    throw new DriverError('unavailable', `iSCSI cannot listen on ${portal}: ${host} is not an address of this host`)
  }
}

/** Listens for a moment, so that a portal in use shows at start and not with the first volume. */
async function tryPortals({ configfs, options }: Server): Promise<void> {
  const target = `iscsi/${options.prefix}-probe`
  const nodes = options.portals.map((portal) => `${target}/tpgt_1/np/${portal}`)
  try {
    await configfs.apply(nodes.map((path) => ['mkdir', path]))
  } finally {
    await configfs.apply([...nodes, `${target}/tpgt_1`, target].map((path): Step => ['rmdir', path]))
  }
}

async function ensureTarget(server: Server, request: ExportRequest): Promise<void> {
  const { configfs, options } = server
  const { portals, prefix } = options
  const places = placesOf(prefix, request.name)
  const make = (steps: Step[]): Promise<Found> =>
    configfs.apply(steps).catch(async (error: unknown) => {
      await removeHalfMade(server, places).catch(() => undefined)
      throw error
    })
  const found = await make(firstCreation(places, request, portals))
  const identity = requireIdentity(found, request.path)
  const now = stateOf(found, places, request.path)
  if (!now.present && isEnabled(found, places)) return
  if (canStay(now, request)) await configfs.apply(renewal(places, request, portals, now))
  else await make([...removal(places), ...creation(places, request, kindOf(identity), portals)])
}

/** Enabling is the last step, so an enabled target existed before and may be in use. */
async function removeHalfMade({ configfs }: Server, places: Places): Promise<void> {
  const found = await configfs.apply([['read', `${places.group}/enable`]])
  if (!isEnabled(found, places)) await configfs.apply(removal(places))
}

/** Initiators that were let in while any could enter stay known to the kernel: then the target is made anew. */
function canStay(now: TargetState, { initiators = [] }: ExportRequest): boolean {
  return now.sound && now.open === (initiators.length === 0)
}

async function removeTarget({ configfs, options }: Server, name: string): Promise<void> {
  await configfs.apply(removal(placesOf(options.prefix, name)))
}

/** Half-made targets and devices too, so that they are withdrawn. */
async function list({ configfs, options: { prefix } }: Server): Promise<string[]> {
  const adapter = adapterOf(prefix)
  const folders = [`iscsi/${prefix}*`, `core/iblock_${adapter}/*`, `core/fileio_${adapter}/*`]
  const found = await configfs.apply(folders.map((path) => ['read', path]))
  const names = [...found.keys()].map((path) => path.replace(/^iscsi\/[^:]*:|^core\/[^/]+\//, ''))
  return [...new Set(names.filter((name) => !['hba_info', 'hba_mode', '-probe'].includes(name)))].sort()
}

async function sessions({ configfs, options: { prefix } }: Server): Promise<string[]> {
  const group = `iscsi/${prefix}*/tpgt_1`
  const found = await configfs.apply([
    ['read', `${group}/dynamic_sessions`],
    ['read', `${group}/acls/*/info`],
  ])
  const used = [...found].filter(([path, text]) =>
    path.endsWith('/info') ? !text.startsWith('No active iSCSI Session') : text.trim() !== '',
  )
  return [...new Set(used.map(([path]) => path.split('/')[1]!.slice(prefix.length)))].sort()
}
