import { DriverError } from '@hearth/driver'

/** One logical volume, as LVM reports it; hidden ones are left out. */
export interface LogicalVolume {
  name: string
  sizeBytes: number
  /** `snapshot` is one that holds overwritten bytes of a thick volume. */
  kind: 'pool' | 'thin' | 'snapshot' | 'thick'
  tags: string[]
  /** What it is a snapshot of; empty otherwise, and when a thin one's origin is gone. */
  origin: string
  pool: string
  /** How full a pool or a thick snapshot is. */
  dataPercent: number
  metadataPercent: number
  /** Of a pool. */
  metadataBytes: number
  active: boolean
  /** Someone has its device open. */
  open: boolean
  /** A thick snapshot that ran full: its bytes are lost. A pool that failed or takes no more. */
  broken: boolean
  /** A device under it is gone. */
  partial: boolean
  /** A snapshot is being taken back into it. */
  merging: boolean
  /** Of a thick snapshot: bytes of its volume when it was taken. */
  originBytes: number
  /** It stays inactive when the host starts, as thin snapshots do. */
  skipped: boolean
}

export interface Device {
  name: string
  freeBytes: number
  missing: boolean
}

/** What one call of LVM says of a volume group. */
export interface GroupReport {
  name: string
  sizeBytes: number
  freeBytes: number
  extentBytes: number
  devices: Device[]
  volumes: LogicalVolume[]
}

const volumeColumns =
  'lv_name,lv_size,lv_attr,lv_tags,origin,origin_size,pool_lv,data_percent,metadata_percent,lv_metadata_size'

/** The command, less the group's name, whose output `parseReport` understands. LVM's shell cannot report so. */
export const reportCommand = [
  'lvm fullreport --reportformat json --units b --nosuffix',
  '--configreport vg -o vg_name,vg_size,vg_free,vg_extent_size',
  '--configreport pv -o pv_name,pv_free,pv_missing',
  `--configreport lv -o ${volumeColumns}`,
  '--configreport pvseg -o pv_name --configreport seg -o lv_name',
].join(' ')

type Row = Record<string, string>

/** The group of a report; null when LVM found no such group. Throws `failed` when there is none. */
export function parseReport(output: string): GroupReport | null {
  const text = output.slice(output.indexOf('{'))
  let parsed: { report: { vg?: Row[]; pv?: Row[]; lv?: Row[] }[] }
  try {
    parsed = JSON.parse(text) as typeof parsed
  } catch (error) {
    throw new DriverError('failed', `LVM reported what is no JSON: ${output.slice(-200)}`, error)
  }
  const found = parsed.report[0]
  const group = found?.vg?.[0]
  if (!group) return null
  return {
    name: group.vg_name!,
    sizeBytes: Number(group.vg_size),
    freeBytes: Number(group.vg_free),
    extentBytes: Number(group.vg_extent_size),
    devices: (found.pv ?? []).map((row) => ({
      name: row.pv_name!,
      freeBytes: Number(row.pv_free),
      missing: row.pv_missing !== '',
    })),
    volumes: (found.lv ?? []).map(parseVolume),
  }
}

/** lvs(8) describes the characters of lv_attr. */
function parseVolume(row: Row): LogicalVolume {
  const attributes = row.lv_attr!
  const [type, state, health] = [attributes[0]!, attributes[4]!, attributes[8]!]
  return {
    name: row.lv_name!,
    sizeBytes: Number(row.lv_size),
    kind: type === 't' ? 'pool' : row.pool_lv !== '' ? 'thin' : /s/i.test(type) ? 'snapshot' : 'thick',
    tags: row.lv_tags === '' ? [] : row.lv_tags!.split(','),
    origin: row.origin!,
    pool: row.pool_lv!,
    dataPercent: Number(row.data_percent || 0),
    metadataPercent: Number(row.metadata_percent || 0),
    metadataBytes: Number(row.lv_metadata_size || 0),
    active: state !== '-' && state !== 'd',
    open: attributes[5] === 'o',
    broken: /[IS]/.test(state) || /[FDM]/.test(health),
    partial: health === 'p',
    merging: type === 'O',
    originBytes: Number(row.origin_size || 0),
    skipped: attributes[9] === 'k',
  }
}
