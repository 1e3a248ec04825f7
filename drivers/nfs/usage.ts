import { DriverError, isDriverError } from '@hearth/driver'
import { parseInfo } from './info-file.ts'
import type { Share } from './share.ts'

/** Space and files of one share. */
export interface Usage {
  totalBytes: number
  freeBytes: number
  /** Sum of the apparent sizes of all files: sparse files may still grow to it. */
  allocatedBytes: number
  /** Why nothing can be written to the share; null when it is writable. */
  unwritable: string | null
  /** File name → size in bytes, without hidden files. */
  files: Map<string, number>
  /** Contents of the information files by the name of their volume. */
  infos: Map<string, string>
}

/** Limits that decide whether a share may take a new volume. */
interface CapacityRules {
  maxOverSubscriptionRatio: number
  reservedPercentage: number
}

const usageScript = `
if [ "$1" = sweep ]; then
  find "$locks" -name '.stop-*' -mmin +1440 -delete
  find . -maxdepth 1 -name '.part-*' -mmin +1440 -delete 2>/dev/null || :
fi
stat -f -c 'space %S %b %a' .
part=".part-probe.$token"
if ! command : >"$part"; then
  echo unwritable
  part=
fi
printf '\\0'
find . -maxdepth 1 -type f ! -name '.*' -printf '%s %f\\0'
printf '\\0'
for file in volume-*.info; do
  [ -e "$file" ] || break
  find . -maxdepth 1 -type f -name 'volume-*.info' -size -64k -exec grep -aHZ '' {} +
  break
done
`

const hourMs = 3_600_000
const sweptAt = new WeakMap<Share, number>()

/** Reads the usage of a share; once an hour also removes leftovers of dead scripts. Throws `unavailable`. */
export async function readUsage(share: Share): Promise<Usage> {
  const sweep = performance.now() - (sweptAt.get(share) ?? -hourMs) >= hourMs
  const args = [sweep ? 'sweep' : '']
  const { stdout, stderr } = await share.run({ what: 'looking at the share', script: usageScript, args })
  if (sweep) sweptAt.set(share, performance.now())
  const [head = '', ...rest] = stdout.split('\0')
  const [, blockSize = 0, blocks = 0, available = 0] = /space (\d+) (\d+) (\d+)/.exec(head)?.map(Number) ?? []
  const end = rest.indexOf('')
  const files = new Map<string, number>()
  for (const line of rest.slice(0, end)) {
    const space = line.indexOf(' ')
    files.set(line.slice(space + 1), Number(line.slice(0, space)))
  }
  const infos = new Map<string, string>()
  for (const [, volume = '', line = ''] of rest
    .slice(end + 1)
    .join('\0')
    .matchAll(/^\.\/(.*)\.info\0(.*)$/gm)) {
    infos.set(volume, `${infos.get(volume) ?? ''}${line}\n`)
  }
  return {
    totalBytes: blockSize * blocks,
    freeBytes: blockSize * available,
    allocatedBytes: [...files.values()].reduce((sum, size) => sum + size, 0),
    unwritable: head.includes('unwritable') ? (/cannot create (.*)/.exec(stderr)?.[1] ?? stderr.trim()) : null,
    files,
    infos,
  }
}

/** Names of the snapshots of one volume; none when its information file cannot be parsed. */
export function snapshotsOf(usage: Usage, volume: string): string[] {
  const text = usage.infos.get(volume)
  if (text === undefined) return []
  try {
    const { overlays } = parseInfo(volume, text)
    return [...overlays].filter(([, file]) => usage.files.has(file)).map(([key]) => `snapshot-${key}`)
  } catch {
    return []
  }
}

/** Below this much free space even a sparse file is refused: its metadata might not fit. */
const leastFree = 1024 ** 2

/**
 * Returns why a share cannot take `requestBytes` more; null when it can. Cinder's rule for NFS: the used space must
 * leave the reserve free, and the allocated sum must stay within the over-subscription ratio.
 */
export function ineligible(usage: Usage, requestBytes: number, rules: CapacityRules): string | null {
  const { totalBytes, freeBytes, allocatedBytes, unwritable } = usage
  if (unwritable !== null && !/no space left|quota exceeded/i.test(unwritable)) return unwritable
  const { maxOverSubscriptionRatio: ratio, reservedPercentage } = rules
  const used = (totalBytes - freeBytes) / totalBytes
  if (freeBytes < leastFree) return `${freeBytes} bytes are free`
  if (used > (100 - reservedPercentage) / 100) {
    return `${Math.round(used * 100)} % are used and ${reservedPercentage} % are reserved`
  }
  const promised = totalBytes * ratio - allocatedBytes
  if (promised <= requestBytes) {
    return `${allocatedBytes} bytes are promised of ${totalBytes} × ${ratio}, ${requestBytes} more are asked for`
  }
  return null
}

interface Offer {
  share: Share
  /** The usage of the share, or the error of reading it. */
  usage: Usage | unknown
}

/** Returns the eligible share with the fewest allocated bytes. Throws `no-space` or `unavailable`. */
export function chooseShare(offers: Offer[], requestBytes: number, rules: CapacityRules): Share {
  const reasons: string[] = []
  let best: { share: Share; allocated: number } | null = null
  let full = false
  for (const { share, usage } of offers) {
    if (!isUsage(usage)) {
      reasons.push(`${share.name}: ${isDriverError(usage) ? usage.message : String(usage)}`)
      continue
    }
    const why = ineligible(usage, requestBytes, rules)
    if (why !== null) reasons.push(`${share.name}: ${why}`)
    if (why !== null && why !== usage.unwritable) full = true
    if (why === null && (best === null || usage.allocatedBytes < best.allocated)) {
      best = { share, allocated: usage.allocatedBytes }
    }
  }
  if (best) return best.share
  throw new DriverError(
    full ? 'no-space' : 'unavailable',
    `No share can take ${requestBytes} bytes: ${reasons.join('; ')}`,
  )
}

/** True when the offer has a usage, not an error. */
function isUsage(found: Usage | unknown): found is Usage {
  return typeof found === 'object' && found !== null && 'allocatedBytes' in found
}
