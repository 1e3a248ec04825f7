import type { Exported } from './export.ts'

export interface IscsiConnectionOptions {
  volumeId: string
  /** True when the initiator asked for several paths (`connector.multipath`). */
  multipath: boolean
}

/** An iSCSI connection_info with exactly the keys that os-brick reads. */
export interface IscsiConnection {
  driver_volume_type: 'iscsi'
  data: {
    target_discovered: false
    target_portal: string
    target_iqn: string
    target_lun: number
    volume_id: string
    target_portals?: string[]
    target_iqns?: string[]
    target_luns?: number[]
    auth_method?: 'CHAP'
    auth_username?: string
    auth_password?: string
  }
}

/**
 * Returns the connection_info of an exported volume. It has the plural keys when the target has several portals or the
 * initiator asked for multipath, as in Cinder's `volume/targets/iscsi.py`. Throws RangeError without a portal.
 */
export function iscsiConnection(exported: Exported, options: IscsiConnectionOptions): IscsiConnection {
  const { portals, iqn, lun, chap } = exported
  const first = portals[0]
  if (first === undefined) throw new RangeError(`The target ${iqn} has no portal`)
  const several = options.multipath || portals.length > 1
  return {
    driver_volume_type: 'iscsi',
    data: {
      target_discovered: false,
      target_portal: first,
      target_iqn: iqn,
      target_lun: lun,
      volume_id: options.volumeId,
      ...(several && {
        target_portals: [...portals],
        target_iqns: portals.map(() => iqn),
        target_luns: portals.map(() => lun),
      }),
      ...(chap && { auth_method: 'CHAP', auth_username: chap.username, auth_password: chap.password }),
    },
  }
}
