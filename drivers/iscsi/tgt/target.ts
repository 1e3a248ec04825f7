import { createHash } from 'node:crypto'
import {
  type Chap,
  type DriverDeps,
  DriverError,
  type Exclusive,
  type ExportDriver,
  type ExportRequest,
  openExclusive,
} from '@hearth/driver'
import type { TgtOptions } from '../options.ts'
import { checkRequest, stopIfAborted } from '../request.ts'
import type { TgtControl } from './control.ts'
import { openTgtDaemon, type TgtDaemon } from './daemon.ts'
import { type DeviceState, inspectDevice } from './device.ts'
import { parseTargets, type ShownTarget } from './show.ts'

/** tgtd keeps LUN 0 for its controller. */
const lun = 1

interface Target {
  tid: number
  path: string | null
  accounts: string[]
  allowed: string[]
  /** Password of the account; unknown for a target that an earlier process made. */
  password?: string
  /** The device as it was opened; unknown likewise. */
  device?: DeviceState
  request?: ExportRequest
}

interface Server {
  options: TgtOptions
  log: DriverDeps['log']
  control: TgtControl
  targets: Map<string, Target>
  exclusive: Exclusive
  /** Targets to open again when their sessions have ended. */
  stale: Set<string>
}

const tendInterval = 2000

/**
 * Targets of a tgtd that this driver starts and that outlives it. Each volume is one target with LUN 1. tgtd cannot
 * show a new size to a session that is open (opening a unit again fails the commands in flight): `resize` then says so
 * in the log and does it as soon as the session has ended.
 */
export async function openTgt(options: TgtOptions, deps: DriverDeps): Promise<ExportDriver> {
  const daemon = openTgtDaemon(options, deps)
  const server: Server = {
    options,
    log: deps.log,
    control: daemon.control,
    targets: new Map(),
    exclusive: openExclusive(),
    stale: new Set(),
  }
  const tend = openTending(() => tendServer(server, daemon), deps.log)
  return {
    async start() {
      const adopted = await daemon.start()
      await learn(server)
      tend.begin()
      deps.log.info({ portals: options.portals, adopted, targets: server.targets.size }, 'tgtd is ready')
    },
    create: (request, signal) =>
      server.exclusive(request.name, async () => {
        await offer(server, request, signal)
        const { portals, prefix } = options
        return { portals: [...portals], iqn: `${prefix}${request.name}`, lun, chap: request.chap }
      }),
    remove: (name) => server.exclusive(name, () => removeTarget(server, name)),
    resize: (name) => server.exclusive(name, () => reopen(server, name)),
    async list() {
      return (await ours(server)).map(({ iqn }) => iqn.slice(options.prefix.length)).sort()
    },
    async sessions() {
      const used = (await ours(server)).filter(({ sessions }) => sessions.length > 0)
      return used.map(({ iqn }) => iqn.slice(options.prefix.length)).sort()
    },
    async close() {
      await tend.end()
      const all = await show(server).catch(() => null)
      if (all === null) return
      const foreign = all.some(({ iqn }) => !iqn.startsWith(options.prefix))
      if (foreign || all.some(({ sessions }) => sessions.length > 0)) {
        deps.log.info({ targets: all.length }, 'tgtd stays: it has open sessions or targets of others')
        return
      }
      await Promise.all([...server.targets.keys()].map((name) => removeTarget(server, name)))
      await daemon.stop()
    },
  }
}

async function show({ control }: Server): Promise<ShownTarget[]> {
  return parseTargets((await control({ mode: 'target', op: 'show' })).text)
}

async function ours(server: Server): Promise<ShownTarget[]> {
  return (await show(server)).filter(({ iqn }) => iqn.startsWith(server.options.prefix))
}

/** Adopts the existing targets; those that this process made keep their known password and device. */
async function learn(server: Server): Promise<void> {
  const shown = await ours(server)
  const known = new Map(server.targets)
  server.targets.clear()
  for (const { iqn, tid, path, accounts, allowed } of shown) {
    const name = iqn.slice(server.options.prefix.length)
    const before = known.get(name)
    server.targets.set(name, before?.tid === tid ? before : { tid, path, accounts, allowed })
  }
}

async function offer(server: Server, request: ExportRequest, signal?: AbortSignal): Promise<void> {
  checkRequest(request)
  if (request.mutual) throw new DriverError('unsupported', 'mutual CHAP needs the kernel target: target = lio')
  stopIfAborted(request, signal)
  await ensureTarget(server, request)
  if (signal?.aborted) await removeTarget(server, request.name)
  stopIfAborted(request, signal)
}

async function ensureTarget(server: Server, request: ExportRequest): Promise<void> {
  const device = await inspectDevice(request.path)
  const target = server.targets.get(request.name)
  if (!target) return makeTarget(server, request, device)
  if (target.path !== request.path) {
    await removeTarget(server, request.name)
    return makeTarget(server, request, device)
  }
  const sameChap =
    target.accounts.join() === (request.chap?.username ?? '') && target.password === request.chap?.password
  const sameAllowed = target.allowed.toSorted().join() === allowedOf(request).toSorted().join()
  target.request = request
  if (!sameChap || !sameAllowed) await renewAccess(server, target, request)
  const sameDevice = target.device?.inode === device.inode && target.device.size === device.size
  if (!sameDevice && !(await hasSession(server, request.name))) await openAgain(server, target, request.path)
}

/** Access is bound last, so that no initiator can log in before the password is set. */
async function makeTarget(server: Server, request: ExportRequest, device: DeviceState): Promise<void> {
  const { control, options, targets } = server
  const iqn = `${options.prefix}${request.name}`
  const tid = await newTarget(server, iqn)
  const target: Target = { tid, path: request.path, accounts: [], allowed: [], device, request }
  targets.set(request.name, target)
  try {
    await bindAccount(server, target, request.chap)
    await addUnit(server, target, request, device)
    const serial = createHash('sha256').update(iqn).digest('hex').slice(0, 32)
    // Without ids of its own a unit is `IET 00010001` on every host, and multipath would join strangers.
    const parameters = { scsi_id: serial, scsi_sn: serial, thin_provisioning: '1' }
    await control({ mode: 'logicalunit', op: 'update', tid, lun, parameters })
    await bindAllowed(server, target, allowedOf(request))
  } catch (error) {
    await removeTarget(server, request.name).catch(() => undefined)
    throw error
  }
}

/** Target numbers come from the name: they are part of what initiators see and should not pass to another volume. */
async function newTarget({ control }: Server, iqn: string): Promise<number> {
  const first = (createHash('sha256').update(iqn).digest().readUInt32BE(0) & 0x3fffffff) + 1
  for (let tid = first; tid < first + 20; tid += 1) {
    const parameters = { targetname: iqn }
    const { refused } = await control({ mode: 'target', op: 'new', tid, parameters }, ['target-exists'])
    if (!refused) return tid
  }
  throw new DriverError('failed', `tgtd has no free number for ${iqn}`)
}

async function addUnit(server: Server, target: Target, request: ExportRequest, device: DeviceState): Promise<void> {
  const { control, options } = server
  const { tid } = target
  const direct = options.directIo && device.logicalBlock !== null && device.logicalBlock <= request.blockSize
  const parameters = { path: request.path, bstype: 'rdwr', blocksize: String(request.blockSize) }
  if (direct) {
    const withDirect = { path: request.path, bstype: 'rdwr', bsoflags: 'direct', blocksize: parameters.blocksize }
    const withDirectIo = { mode: 'logicalunit', op: 'new', tid, lun, parameters: withDirect } as const
    const { refused } = await control(withDirectIo, ['invalid'])
    if (!refused) return
  }
  await control({ mode: 'logicalunit', op: 'new', tid, lun, parameters })
}

async function bindAccount(server: Server, target: Target, chap: Chap | null): Promise<void> {
  if (!chap) return
  const { control, targets } = server
  const owner = [...targets].find(([, other]) => other !== target && other.accounts.includes(chap.username))
  if (owner) throw new DriverError('invalid', `The CHAP user name ${chap.username} belongs to ${owner[0]} already`)
  const parameters = { user: chap.username, password: chap.password }
  const { refused } = await control({ mode: 'account', op: 'new', parameters }, ['account-exists'])
  if (refused) {
    await control({ mode: 'account', op: 'delete', parameters: { user: chap.username } }, ['no-account'])
    await control({ mode: 'account', op: 'new', parameters })
  }
  target.accounts = [chap.username]
  await control({ mode: 'account', op: 'bind', tid: target.tid, parameters: { user: chap.username } }, [
    'binding-exists',
  ])
  target.password = chap.password
}

/** Changes credentials under running sessions; meanwhile no initiator can log in. */
async function renewAccess(server: Server, target: Target, request: ExportRequest): Promise<void> {
  const { control } = server
  for (const allowed of target.allowed) {
    const unbind = { mode: 'target', op: 'unbind', tid: target.tid, parameters: accessOf(allowed) } as const
    await control(unbind, ['no-acl'])
  }
  target.allowed = []
  await removeAccounts(server, target)
  await bindAccount(server, target, request.chap)
  await bindAllowed(server, target, allowedOf(request))
}

async function bindAllowed({ control }: Server, target: Target, allowed: string[]): Promise<void> {
  for (const initiator of allowed) {
    const bind = { mode: 'target', op: 'bind', tid: target.tid, parameters: accessOf(initiator) } as const
    await control(bind, ['acl-exists'])
  }
  target.allowed = allowed
}

function allowedOf(request: ExportRequest): string[] {
  return request.initiators?.length ? request.initiators : ['ALL']
}

function accessOf(initiator: string): Record<string, string> {
  const isName = /^(iqn|eui|naa)\./.test(initiator)
  return isName ? { 'initiator-name': initiator } : { 'initiator-address': initiator }
}

async function removeTarget(server: Server, name: string): Promise<void> {
  const target = server.targets.get(name)
  if (!target) return
  await server.control({ mode: 'target', op: 'delete', tid: target.tid, force: true }, ['no-target'])
  await removeAccounts(server, target)
  server.targets.delete(name)
}

async function removeAccounts({ control }: Server, target: Target): Promise<void> {
  for (const user of target.accounts) {
    await control({ mode: 'account', op: 'delete', parameters: { user } }, ['no-account'])
  }
  target.accounts = []
  delete target.password
}

async function reopen(server: Server, name: string): Promise<void> {
  const target = server.targets.get(name)
  if (!target?.path) {
    server.stale.delete(name)
    return
  }
  const device = await inspectDevice(target.path)
  if (target.device?.inode === device.inode && target.device.size === device.size) {
    server.stale.delete(name)
    return
  }
  if (await hasSession(server, name)) {
    server.log.warn({ name }, 'the new size of a volume in use shows when its initiator logs in again')
    server.stale.add(name)
    return
  }
  server.stale.delete(name)
  await openAgain(server, target, target.path)
}

/** Starts a tgtd that died again with the targets it had, and opens again what waited for its session to end. */
async function tendServer(server: Server, daemon: TgtDaemon): Promise<void> {
  if (!(await daemon.isAlive())) {
    const lost = [...server.targets.values()].flatMap(({ request }) => request ?? [])
    server.log.error({ targets: lost.length }, 'tgtd is gone; starting it again')
    server.targets.clear()
    await daemon.start()
    await learn(server)
    await Promise.all(lost.map((request) => server.exclusive(request.name, () => ensureTarget(server, request))))
  }
  for (const name of [...server.stale]) {
    await server.exclusive(name, () => reopen(server, name)).catch(() => server.stale.delete(name))
  }
}

/** Does `work` again and again, never twice at once. */
function openTending(work: () => Promise<void>, log: DriverDeps['log']): { begin(): void; end(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | undefined
  const once = () => {
    running ??= work()
      .catch((error: unknown) => log.error({ err: error }, 'tgtd could not be looked after'))
      .finally(() => {
        running = undefined
      })
  }
  return {
    begin() {
      timer ??= setInterval(once, tendInterval).unref()
    },
    async end() {
      clearInterval(timer)
      timer = undefined
      await running
    },
  }
}

/** Takes the unit offline, as tgtd demands, and opens its path afresh, which puts it online again. */
async function openAgain({ control }: Server, target: Target, path: string): Promise<void> {
  const { tid } = target
  const device = await inspectDevice(path)
  await control({ mode: 'logicalunit', op: 'update', tid, lun, parameters: { online: '0' } })
  await control({ mode: 'logicalunit', op: 'update', tid, lun, parameters: { path } })
  target.device = device
}

async function hasSession(server: Server, name: string): Promise<boolean> {
  const iqn = `${server.options.prefix}${name}`
  return (await show(server)).some((target) => target.iqn === iqn && target.sessions.length > 0)
}
