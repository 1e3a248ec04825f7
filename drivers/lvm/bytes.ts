import type { Runner } from '@hearth/driver'
import { stopIfAborted } from './failures.ts'

/** Bytes for one command: few, so that an abort takes effect soon, even on a host that receives no signal. */
const zeroPieceBytes = 4 * 1024 ** 3
const copyPieceBytes = 512 * 1024 ** 2
/** Enough for one piece at a few MiB per second. */
const pieceTimeoutMs = 600_000

const zeroScript = 'exec blkdiscard $4 -z -o "$2" -l "$3" "$1"'

/**
 * `blank`: the target reads as zeros, so zeros are skipped. `sparse`: if the device can zero a range itself, it does so
 * first and zeros are skipped. Otherwise every byte is written once.
 */
const copyScript = `
set -e
device=$(stat -L -c '%Hr:%Lr' "$2")
sparse=
if [ "$5" = blank ]; then
  sparse=sparse,
elif [ "$5" = sparse ] && [ "$(cat "/sys/dev/block/$device/queue/write_zeroes_max_bytes" 2>/dev/null || echo 0)" -gt 0 ]; then
  blkdiscard -z -o "$3" -l "$4" "$2"
  sparse=sparse,
fi
exec dd if="$1" of="$2" bs=4M iflag=direct,fullblock,skip_bytes,count_bytes oflag=direct,seek_bytes \\
  conv=\${sparse}notrunc,fsync skip="$3" seek="$3" count="$4" status=none
`

/**
 * Makes bytes `[from, to)` of a device read as zeros; the device itself does it where it can. A device that an export
 * or a mount has open is overwritten only with `inUse`.
 */
export async function zeroDevice(
  run: Runner,
  range: { path: string; from: number; to: number; inUse?: boolean },
  signal?: AbortSignal,
): Promise<void> {
  const force = range.inUse ? ['-f'] : []
  await inPieces(range, zeroPieceBytes, signal, (offset, length) =>
    run(['sh', '-c', zeroScript, 'sh', range.path, String(offset), String(length), ...force], {
      timeout: pieceTimeoutMs,
    }),
  )
}

/** Copies the first `bytes` of one device to another; with `blank`, the target already reads as zeros. */
export async function copyDevice(
  run: Runner,
  copy: { from: string; to: string; bytes: number; how: 'blank' | 'sparse' | 'whole' },
  signal?: AbortSignal,
): Promise<void> {
  await inPieces({ path: copy.to, from: 0, to: copy.bytes }, copyPieceBytes, signal, (offset, length) =>
    run(['sh', '-c', copyScript, 'sh', copy.from, copy.to, String(offset), String(length), copy.how], {
      timeout: pieceTimeoutMs,
    }),
  )
}

async function inPieces(
  range: { path: string; from: number; to: number },
  pieceBytes: number,
  signal: AbortSignal | undefined,
  work: (offset: number, length: number) => Promise<unknown>,
): Promise<void> {
  for (let offset = range.from; offset < range.to; offset += pieceBytes) {
    stopIfAborted(signal, `Writing ${range.path}`)
    await work(offset, Math.min(pieceBytes, range.to - offset))
  }
  stopIfAborted(signal, `Writing ${range.path}`)
}
