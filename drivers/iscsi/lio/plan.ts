import { createHash } from 'node:crypto'
import { type Chap, DriverError, type ExportRequest } from '@hearth/driver'
import type { DeviceKind, Found, Step } from './configfs-step.ts'

/** Names of everything that belongs to one volume in the kernel's tree. */
export interface Places {
  iqn: string
  target: string
  group: string
  iblock: string
  fileio: string
}

/** State of one volume in the kernel's tree. */
export interface TargetState {
  /** True when device and target exist, are linked and enabled, and the device is the requested one. */
  sound: boolean
  /** True when the tree has any entry of the volume. */
  present: boolean
  portals: string[]
  initiators: string[]
  /** True when any initiator may log in. */
  open: boolean
}

/** A prefix has its own host bus adapters, so that a device without target is known as ours. */
export function adapterOf(prefix: string): number {
  return 1000 + (createHash('sha256').update(prefix).digest().readUInt32BE(0) % 1_000_000)
}

/** Returns the paths of one volume in the kernel's tree. */
export function placesOf(prefix: string, name: string): Places {
  const iqn = `${prefix}${name}`
  const target = `iscsi/${iqn}`
  const adapter = adapterOf(prefix)
  const backstore = (kind: string) => `core/${kind}_${adapter}/${name}`
  return { iqn, target, group: `${target}/tpgt_1`, iblock: backstore('iblock'), fileio: backstore('fileio') }
}

/** Steps that read the complete state of one volume. */
function inspection({ target, group, iblock, fileio }: Places, path: string): Step[] {
  const devices: Step[] = [iblock, fileio].flatMap((device): Step[] => [
    ['read', device],
    ['read', `${device}/enable`],
    ['read', `${device}/alias`],
    ['read', `${device}/udev_path`],
  ])
  const inGroup = ['enable', 'attrib/generate_node_acls', 'np/*', 'lun/lun_0/device', 'acls/*']
  const reads = [target, ...inGroup.map((one) => `${group}/${one}`)].map((one): Step => ['read', one])
  return [...devices, ...reads, ['identify', path]]
}

/** Returns the state of one volume from the results of its reading steps. */
export function stateOf(found: Found, places: Places, path: string): TargetState {
  const { target, group, iblock, fileio } = places
  const names = (folder: string) =>
    [...found.keys()]
      .filter((one) => one.startsWith(`${folder}/`) && !one.slice(folder.length + 1).includes('/'))
      .map((one) => one.slice(folder.length + 1))
  const identity = found.get(path)
  const device = identity && kindOf(identity) === 'block' ? iblock : fileio
  const isWanted = (place: string) =>
    found.get(`${place}/enable`)?.trim() === '1' &&
    found.get(`${place}/alias`)?.trim() === identity &&
    found.get(`${place}/udev_path`)?.trim() === path
  const other = device === iblock ? fileio : iblock
  return {
    sound:
      isEnabled(found, places) &&
      found.has(`${group}/lun/lun_0/device`) &&
      identity !== undefined &&
      isWanted(device) &&
      !found.has(other),
    present: [target, iblock, fileio].some((one) => found.has(one)),
    portals: names(`${group}/np`),
    initiators: names(`${group}/acls`),
    open: found.get(`${group}/attrib/generate_node_acls`)?.trim() === '1',
  }
}

/** Lets initiators in. */
export function isEnabled(found: Found, { group }: Places): boolean {
  return found.get(`${group}/enable`)?.trim() === '1'
}

/** Returns the kind of device in an identity, as `identify` reads it. */
export function kindOf(identity: string): DeviceKind {
  return identity.startsWith('block') ? 'block' : 'file'
}

/**
 * Takes all of it away, whatever there is. The kernel refuses to remove what others hold: disabling the group ends its
 * sessions, then links go before what they lead to, and the device last.
 */
export function removal({ target, group, iblock, fileio }: Places): Step[] {
  return [
    ['try', `${group}/enable`, '0'],
    ['unlink', `${group}/acls/*/lun_*/unit`],
    ['rmdir', `${group}/acls/*/lun_*`],
    ['rmdir', `${group}/acls/*`],
    ['unlink', `${group}/lun/lun_*/device`],
    ['rmdir', `${group}/lun/lun_*`],
    ['rmdir', `${group}/np/*`],
    ...[group, target, iblock, fileio].map((path): Step => ['rmdir', path]),
  ]
}

/** Looks as `inspection` does and, where there is nothing of the volume yet, offers it at once. */
export function firstCreation(places: Places, request: ExportRequest, portals: string[]): Step[] {
  const { target, iblock, fileio, group } = places
  const kind = request.path.startsWith('/dev/') ? 'block' : 'file'
  return [
    ...inspection(places, request.path),
    ...[target, iblock, fileio].map((path): Step => ['unless', path]),
    ['only', request.path, kind],
    ...creation(places, request, kind, portals),
    ['read', `${group}/enable`],
  ]
}

/** Offers the device or file at `request.path` as LUN 0. */
export function creation(places: Places, request: ExportRequest, kind: DeviceKind, portals: string[]): Step[] {
  const { group, iblock, fileio, iqn } = places
  const device = kind === 'block' ? iblock : fileio
  const { path, sizeBytes, blockSize } = request
  const control =
    device === iblock ? `udev_path=${path}` : `fd_dev_name=${path},fd_dev_size=${sizeBytes},fd_buffered_io=1`
  const serial = createHash('sha256').update(iqn).digest('hex').slice(0, 32)
  return [
    ['mkdir', device],
    ['write', `${device}/control`, control],
    ['write', `${device}/udev_path`, path],
    ['write', `${device}/enable`, '1'],
    ['note', `${device}/alias`, path],
    // Before the first link only; multipath knows the paths of one device by it.
    ['write', `${device}/wwn/vpd_unit_serial`, serial],
    ['try', `${device}/attrib/emulate_tpu`, '1'],
    ...(device === fileio ? [['write', `${device}/attrib/block_size`, String(blockSize)] as Step] : []),
    ['mkdir', `${group}/lun/lun_0`],
    ['link', `${group}/lun/lun_0/device`, device],
    ...access(places, request, { portals: [], initiators: [] }),
    ...portals.map((portal): Step => ['mkdir', `${group}/np/${portal}`]),
    // Last, so that no initiator logs in before the passwords are set.
    ['write', `${group}/enable`, '1'],
  ]
}

/** Brings portals, credentials and the initiators that may log in up to date, under running sessions too. */
export function renewal(places: Places, request: ExportRequest, portals: string[], now: TargetState): Step[] {
  const { group } = places
  const missing = portals.filter((portal) => !now.portals.includes(portal))
  const left = now.portals.filter((portal) => !portals.includes(portal))
  return [
    ...access(places, request, now),
    ...missing.map((portal): Step => ['mkdir', `${group}/np/${portal}`]),
    ...left.map((portal): Step => ['rmdir', `${group}/np/${portal}`]),
  ]
}

function access(
  { group }: Places,
  { chap, mutual, initiators = [] }: ExportRequest,
  now: Pick<TargetState, 'portals' | 'initiators'>,
): Step[] {
  const anyone = initiators.length === 0
  const gone = now.initiators.filter((one) => !initiators.includes(one))
  const attribute = (name: string, value: boolean): Step => ['write', `${group}/attrib/${name}`, value ? '1' : '0']
  return [
    ...gone.flatMap((one): Step[] => [
      ['unlink', `${group}/acls/${one}/lun_0/unit`],
      ['rmdir', `${group}/acls/${one}/lun_0`],
      ['rmdir', `${group}/acls/${one}`],
    ]),
    attribute('authentication', chap !== null),
    attribute('generate_node_acls', anyone),
    attribute('cache_dynamic_acls', anyone),
    attribute('demo_mode_write_protect', false),
    ...credentials(`${group}/auth`, anyone ? chap : null, anyone ? (mutual ?? null) : null),
    ...initiators.flatMap((one): Step[] => [
      ['mkdir', `${group}/acls/${one}`],
      ...credentials(`${group}/acls/${one}/auth`, chap, mutual ?? null),
      ['mkdir', `${group}/acls/${one}/lun_0`],
      ['link', `${group}/acls/${one}/lun_0/unit`, `${group}/lun/lun_0`],
    ]),
  ]
}

/** The kernel keeps a value until `NULL` is written. */
function credentials(folder: string, chap: Chap | null, mutual: Chap | null): Step[] {
  return [
    ['write', `${folder}/userid`, chap?.username ?? 'NULL'],
    ['write', `${folder}/password`, chap?.password ?? 'NULL'],
    ['write', `${folder}/userid_mutual`, mutual?.username ?? 'NULL'],
    ['write', `${folder}/password_mutual`, mutual?.password ?? 'NULL'],
  ]
}

/** Throws `not-found` when the device is gone. */
export function requireIdentity(found: Found, path: string): string {
  const identity = found.get(path)
  if (identity === undefined) throw new DriverError('not-found', `There is no device or file at ${path}`)
  return identity
}
