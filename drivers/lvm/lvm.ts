/** One logical volume as LVM reports it. Hidden ones are not listed. */
export interface LogicalVolume {
  name: string
  sizeBytes: number
  /** `snapshot`: a thick snapshot, which stores the overwritten bytes of its volume. */
  kind: 'pool' | 'thin' | 'snapshot' | 'thick'
  tags: string[]
  /** Volume of a snapshot; empty for other volumes, and when the origin of a thin snapshot is gone. */
  origin: string
  pool: string
  /** Used percentage of a pool or a thick snapshot. */
  dataPercent: number
  metadataPercent: number
  /** Metadata size of a pool. */
  metadataBytes: number
  active: boolean
  /** True when a process or the kernel has its device open. */
  open: boolean
  /**
   * True for a thick snapshot that overflowed (its bytes are lost), and for a pool that failed or accepts no writes.
   */
  broken: boolean
  /** True when one of its devices is missing. */
  partial: boolean
  /** True while a snapshot is being merged into it. */
  merging: boolean
  /** Size of the volume when a thick snapshot of it was taken. */
  originBytes: number
  /** True when it stays inactive at the start of the host, like thin snapshots. */
  skipped: boolean
}

interface Device {
  name: string
  freeBytes: number
  missing: boolean
}

/** One report about a volume group. */
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

/** Command for LVM's shell, without the group's name; `parseReport` parses its output. */
export const reportLine = [
  'fullreport --noheadings --nameprefixes --units b --nosuffix',
  '--configreport vg -o vg_name,vg_size,vg_free,vg_extent_size',
  '--configreport pv -o pv_name,pv_free,pv_missing',
  `--configreport lv -o ${volumeColumns}`,
  '--configreport pvseg -o pv_name --configreport seg -o lv_name',
].join(' ')

/** Columns by the names that LVM prefixes them with, such as LVM2_LV_NAME. */
type Row = Record<string, string>

/** Parses a report; null when it contains no group. Segment rows contain only a name and are skipped. */
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
