import { own, setOwn } from '@hearth/core'
import type { Query } from '@hearth/database'
import type { Connector } from '../../model/attachments/store.ts'
import type { Backend } from '../../model/backends.ts'
import { getQosSpecs } from '../../model/qos/store.ts'
import { getVolumeType } from '../../model/types/store.ts'
import { readMetadata, type VolumeRow } from '../../model/volumes/store.ts'

/** A nested connection_info; those of file shares also have `mount_point_base`. */
export type ConnectionInfo = {
  driver_volume_type: string
  data: Record<string, unknown>
  mount_point_base?: string
}

interface ConnectRequest {
  connector: Connector
  mode: string | null
}

/**
 * Returns the driver's connection with the data that every connection has: QoS limits, access mode and flags. For
 * encryption and discard the driver's own values win, as in upstream's `volume/manager.py`.
 */
export async function withSharedData(
  q: Query,
  {
    volume,
    info,
    request,
    backend,
  }: { volume: VolumeRow; info: ConnectionInfo; request: ConnectRequest; backend: Backend },
): Promise<ConnectionInfo> {
  const admin = await readMetadata(q, volume.id, 'admin')
  const readonly = admin.readonly === 'True' || request.mode === 'ro'
  const type = volume.volume_type_id === null ? null : await getVolumeType(q, volume.volume_type_id)
  const { data } = info
  return {
    ...info,
    data: {
      ...(backend.reportDiscard && { discard: true }),
      ...data,
      qos_specs: await limitsFor(q, type?.qosSpecsId ?? null, volume.size),
      access_mode: admin.attached_mode ?? (readonly ? 'ro' : 'rw'),
      encrypted: data.encrypted ?? volume.encryption_key_id !== null,
      cacheable: data.cacheable !== false && type?.extraSpecs.cacheable === '<is> True',
      enforce_multipath: request.connector.enforce_multipath === true,
    },
  }
}

const scaledLimits = [
  'read_iops_sec',
  'read_bytes_sec',
  'write_iops_sec',
  'write_bytes_sec',
  'total_iops_sec',
  'total_bytes_sec',
]

/**
 * Returns the QoS limits that the compute host applies; limits per GiB are converted for this size. Null if the type
 * has no QoS specs or only the backend applies them.
 */
async function limitsFor(
  q: Query,
  id: string | null,
  sizeGiB: number,
): Promise<Record<string, string | number> | null> {
  if (id === null) return null
  const { consumer, specs } = await getQosSpecs(q, id)
  if (consumer === 'back-end') return null
  const limits: Record<string, string | number> = { ...specs }
  for (const name of scaledLimits) {
    const [perGiB, least, most] = [`${name}_per_gb`, `${name}_per_gb_min`, `${name}_max`] as const
    if (!Object.hasOwn(specs, perGiB)) continue
    const value = Math.max(Number(own(specs, least) ?? 0), Number(own(specs, perGiB)) * sizeGiB)
    setOwn(limits, name, Math.min(value, Number(own(specs, most) ?? value)))
    for (const used of [perGiB, least, most]) delete limits[used]
  }
  return limits
}
