import { DriverError, type DriverLog } from '@hearth/driver'
import { failureOf } from './failures.ts'
import { believedMs, type Group, volumeIn } from './group.ts'
import type { GroupReport, LogicalVolume } from './lvm.ts'
import type { Options } from './options.ts'

/**
 * Watches one thin pool: grows it while its group has room, warns when it fills up, refuses volumes before it breaks.
 */
export interface PoolWatch {
  /** Checks a report: starts to grow the pool, and warns once when it passes the limit. */
  check(report: GroupReport): void
  /** Throws `no-space` when the pool is too full for `what`, and cannot grow. */
  ensureRoom(what: string): Promise<void>
  close(): void
}

/** Share of the free space for a new pool, as upstream; the remainder is for its metadata and its growth. */
const poolShare = 0.95
/** Milliseconds: a report of this age is new enough to judge how full a pool is. */
const fillMaxAgeMs = 5000

/**
 * Activates the thin pool; makes it when missing. Throws `no-space`, and `invalid` when another volume has its name.
 */
export async function ensurePool(group: Group, options: Options, pool: string): Promise<void> {
  const report = await group.report(believedMs)
  const found = volumeIn(report, pool)
  if (found && found.kind !== 'pool') {
    const advice = 'choose another poolName or rename it'
    throw new DriverError('invalid', `${group.name}/${pool} exists and is not a thin pool: ${advice}`)
  }
  if (found?.active) return
  const outcome = await group.perform({
    commands: found ? [] : makePool(report, options, pool),
    activate: [pool],
  })
  if (!outcome.find(pool)?.active) throw failureOf(outcome.said, `The thin pool ${group.name}/${pool}`)
}

function makePool(report: GroupReport, { mirrors }: Options, pool: string): string[] {
  const { name, extentBytes } = report
  const bytes = wholeExtents((report.freeBytes / (mirrors + 1)) * poolShare, extentBytes)
  if (mirrors === 0) return [`lvcreate -qq -y -T -L ${bytes}b ${name}/${pool}`]
  const metadata = `${pool}_meta`
  const metadataBytes = wholeExtents(Math.min(16 * 1024 ** 3, Math.max(bytes / 1000, 4 * extentBytes)), extentBytes)
  const mirrored = `lvcreate -qq -y --type raid1 -m ${mirrors}`
  return [
    `${mirrored} -L ${wholeExtents(bytes - 2 * metadataBytes, extentBytes)}b -n ${pool} ${name}`,
    `${mirrored} -L ${metadataBytes}b -n ${metadata} ${name}`,
    `lvconvert -qq -y --type thin-pool --poolmetadata ${name}/${metadata} ${name}/${pool}`,
  ]
}

/** Opens the watch of a thin pool; it reads a report every `watchSeconds` until closed. */
export function openPoolWatch(group: Group, options: Options, pool: string, log: DriverLog): PoolWatch {
  let hasWarned = false
  let growing: Promise<void> | undefined
  const grow = (): Promise<void> => {
    growing ??= growPool(group, options, pool, log).finally(() => {
      growing = undefined
    })
    return growing
  }
  const check = (report: GroupReport): void => {
    const found = volumeIn(report, pool)
    if (!found) return
    if (isFuller(found, options.poolExtendPercent) && growth(report, found, options).some(Boolean)) {
      void grow().catch((error: unknown) => log.warn({ error }, 'the thin pool could not be grown'))
    }
    const full = found.broken || isFuller(found, options.poolWarnPercent)
    if (full && !hasWarned)
      log.warn(fillOf(report, found), 'the thin pool fills up: add a device to its group (vgextend)')
    hasWarned = full
  }
  const timer = setInterval(() => {
    group.report().catch((error: unknown) => log.warn({ error }, 'the thin pool could not be checked'))
  }, options.watchSeconds * 1000)
  timer.unref()
  return {
    check,
    async ensureRoom(what) {
      let report = await group.report(fillMaxAgeMs)
      if (tooFull(report, options, pool)) {
        await grow().catch(() => undefined)
        report = await group.report()
      }
      const why = tooFull(report, options, pool)
      if (why) throw new DriverError('no-space', `No room for ${what}: ${why}`)
    },
    close: () => clearInterval(timer),
  }
}

function tooFull(report: GroupReport, { poolRefusePercent }: Options, pool: string): string | null {
  const found = volumeIn(report, pool)
  if (!found) return null
  if (!found.broken && !isFuller(found, poolRefusePercent)) return null
  const fill = `${found.dataPercent} % of its data and ${found.metadataPercent} % of its metadata are in use`
  const rule = `new volumes are refused from ${poolRefusePercent} % (poolRefusePercent)`
  return `the thin pool ${report.name}/${pool} is full: ${fill}, ${rule}; add a device to the group (vgextend) or delete volumes`
}

/** Returns by how many bytes data and metadata should grow, limited by the free bytes of the group. */
function growth(report: GroupReport, pool: LogicalVolume, options: Options): [data: number, metadata: number] {
  const limit = options.poolExtendPercent
  if (limit === 100) return [0, 0]
  const { extentBytes, freeBytes } = report
  // The spare volume for metadata repair grows by the same amount.
  const metadata = Math.min(Math.max(pool.metadataBytes, extentBytes), wholeExtents(freeBytes / 2, extentBytes))
  const step = Math.max((pool.sizeBytes * options.poolExtendBy) / 100, extentBytes)
  const data = Math.min(wholeExtents(step, extentBytes), freeBytes)
  return [pool.dataPercent >= limit ? data : 0, pool.metadataPercent >= limit ? metadata : 0]
}

async function growPool(group: Group, options: Options, pool: string, log: DriverLog): Promise<void> {
  const report = await group.report()
  const found = volumeIn(report, pool)
  if (!found) return
  const [data, metadata] = growth(report, found, options)
  const path = `${group.name}/${pool}`
  const commands = [
    ...(metadata > 0 ? [`lvextend -qq -y --poolmetadatasize +${metadata}b ${path}`] : []),
    ...(data > 0 ? [`lvextend -qq -y -L +${data}b ${path}`] : []),
  ]
  if (commands.length === 0) return
  const outcome = await group.perform({ commands })
  const grown = outcome.find(pool)
  if (!grown || (grown.sizeBytes === found.sizeBytes && grown.metadataBytes === found.metadataBytes)) {
    throw failureOf(outcome.said, `Growing the thin pool ${path}`)
  }
  log.info({ ...fillOf(report, found), grownBytes: grown.sizeBytes - found.sizeBytes }, 'the thin pool was grown')
}

function isFuller(pool: LogicalVolume, percent: number): boolean {
  return pool.dataPercent >= percent || pool.metadataPercent >= percent
}

function fillOf(report: GroupReport, { name, dataPercent, metadataPercent }: LogicalVolume): object {
  return { pool: `${report.name}/${name}`, dataPercent, metadataPercent, groupFreeBytes: report.freeBytes }
}

function wholeExtents(bytes: number, extentBytes: number): number {
  return Math.floor(bytes / extentBytes) * extentBytes
}
