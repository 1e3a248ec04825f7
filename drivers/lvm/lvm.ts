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

/** The line for LVM's shell, less the group's name, whose output `parseReport` understands. */
export const reportLine = [
  'fullreport --noheadings --nameprefixes --units b --nosuffix',
  '--configreport vg -o vg_name,vg_size,vg_free,vg_extent_size',
  '--configreport pv -o pv_name,pv_free,pv_missing',
  `--configreport lv -o ${volumeColumns}`,
  '--configreport pvseg -o pv_name --configreport seg -o lv_name',
].join(' ')

/** Columns by the names that LVM prefixes them with, such as LVM2_LV_NAME. */
type Row = Record<string, string>

/** The group of a report; null when there is none in it. Rows of segments have a name alone. */
export function parseReport(output: string): GroupReport | null {
  const rows = output
    .split('\n')
    .map((line): Row => Object.fromEntries([...line.matchAll(/LVM2_(\w+)='([^']*)'/g)].map((found) => found.slice(1))))
  const group = rows.find((row) => row.VG_SIZE !== undefined)
  if (!group) return null
  return {
    name: group.VG_NAME!,
    sizeBytes: Number(group.VG_SIZE),
    freeBytes: Number(group.VG_FREE),
    extentBytes: Number(group.VG_EXTENT_SIZE),
    devices: rows
      .filter((row) => row.PV_FREE !== undefined)
      .map((row) => ({ name: row.PV_NAME!, freeBytes: Number(row.PV_FREE), missing: row.PV_MISSING !== '' })),
    volumes: rows.filter((row) => row.LV_ATTR !== undefined).map(parseVolume),
  }
}

/** lvs(8) describes the characters of lv_attr. */
function parseVolume(row: Row): LogicalVolume {
  const attributes = row.LV_ATTR!
  const [type, state, health] = [attributes[0]!, attributes[4]!, attributes[8]!]
  return {
    name: row.LV_NAME!,
    sizeBytes: Number(row.LV_SIZE),
    kind: type === 't' ? 'pool' : row.POOL_LV !== '' ? 'thin' : /s/i.test(type) ? 'snapshot' : 'thick',
    tags: row.LV_TAGS === '' ? [] : row.LV_TAGS!.split(','),
    origin: row.ORIGIN!,
    pool: row.POOL_LV!,
    dataPercent: Number(row.DATA_PERCENT || 0),
    metadataPercent: Number(row.METADATA_PERCENT || 0),
    metadataBytes: Number(row.LV_METADATA_SIZE || 0),
    active: state !== '-' && state !== 'd',
    open: attributes[5] === 'o',
    broken: /[IS]/.test(state) || /[FDM]/.test(health),
    partial: health === 'p',
    merging: type === 'O',
    originBytes: Number(row.ORIGIN_SIZE || 0),
    skipped: attributes[9] === 'k',
  }
}
