import { type ConnectionInfo, DriverError } from '@hearth/driver'

/** One way to a volume. */
export interface Path {
  /** `address:port`. */
  portal: string
  iqn: string
  lun: number
}

export interface Reach {
  paths: Path[]
  chap: { username: string; password: string } | null
}

const patterns = {
  target_portal: /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]):\d{1,5}$/,
  target_iqn: /^(iqn\.\d{4}-\d{2}\.|eui\.|naa\.)[\w.:-]{1,210}$/,
}
const longestLun = 16_383

/**
 * Reads os-brick's dictionary: the plural keys where they are there, else the single ones; `portals` says where else to
 * knock than the connection says. Throws DriverError `invalid` for anything that is no plain address, name or number.
 */
export function readConnection(connection: ConnectionInfo, portals: Record<string, string> = {}): Reach {
  const { driver_volume_type: type, data } = connection
  if (type !== 'iscsi') throw invalid('driver_volume_type', type, 'iscsi is what this connector attaches')
  const single: Path = {
    portal: checked('target_portal', data.target_portal),
    iqn: checked('target_iqn', data.target_iqn),
    lun: checkedLun('target_lun', data.target_lun),
  }
  const { target_portals, target_iqns, target_luns } = data
  const several = [target_portals, target_iqns, target_luns].some((list) => list !== undefined && list !== null)
  const paths = several ? severalPaths(target_portals, target_iqns, target_luns) : [single]
  const mapped = paths.map((path) => ({ ...path, portal: portals[path.portal] ?? path.portal }))
  return { paths: mapped, chap: credentials(data) }
}

function severalPaths(portals: unknown, iqns: unknown, luns: unknown): Path[] {
  const lists = [portals, iqns, luns]
  if (!lists.every(Array.isArray) || new Set(lists.map((list) => (list as unknown[]).length)).size > 1) {
    throw invalid('target_portals', portals, 'target_portals, target_iqns and target_luns are lists of one length')
  }
  return (portals as unknown[]).map((portal, i) => ({
    portal: checked('target_portal', portal),
    iqn: checked('target_iqn', (iqns as unknown[])[i]),
    lun: checkedLun('target_luns', (luns as unknown[])[i]),
  }))
}

function credentials({ auth_method, auth_username, auth_password }: Record<string, unknown>): Reach['chap'] {
  if (auth_method === undefined || auth_method === null || auth_method === 'None') return null
  if (auth_method !== 'CHAP') throw invalid('auth_method', auth_method, 'CHAP or nothing')
  for (const [key, word] of Object.entries({ auth_username, auth_password })) {
    if (typeof word === 'string' && /^[\x21-\x7e]{1,255}$/.test(word)) continue
    throw new DriverError('invalid', `${key} is not 1 to 255 printable characters without spaces`)
  }
  return { username: auth_username as string, password: auth_password as string }
}

function checked(key: keyof typeof patterns, value: unknown): string {
  if (typeof value === 'string' && patterns[key].test(value)) return value
  const rule = key === 'target_portal' ? 'address:port, IPv6 in brackets' : 'an iSCSI name such as iqn.2010-10.org:name'
  throw invalid(key, value, rule)
}

function checkedLun(key: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= longestLun) return value as number
  throw invalid(key, value, `a number from 0 to ${longestLun}`)
}

function invalid(key: string, value: unknown, rule: string): DriverError {
  return new DriverError('invalid', `${key} = ${JSON.stringify(value)} cannot be attached: ${rule}`)
}
