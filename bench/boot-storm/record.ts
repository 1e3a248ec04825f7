import { readFileSync, writeFileSync } from 'node:fs'

const sector = 512
/** Firmware reads in pieces of 32 KiB; a disk sees them merged, up to this size. */
const mergedBytes = 128 * 1024

/**
 * Turns the block trace of a booting machine into a pattern file. Make the trace with
 * `qemu-system-x86_64 … -d trace:blk_co_preadv,trace:blk_co_pwritev -D trace.log`.
 */
function recordPattern(traceFile: string, patternFile: string, description: string, diskBytes: number): void {
  const operations: { kind: string; offset: number; length: number }[] = []
  for (const line of readFileSync(traceFile, 'utf8').split('\n')) {
    const match = /^blk_co_p(read|write)v .* offset (\d+) bytes (\d+)/.exec(line)
    if (!match) continue
    const [kind, offset, length] = [match[1]![0]!, Number(match[2]), Number(match[3])]
    const last = operations.at(-1)
    const follows = last?.kind === kind && last.offset + last.length === offset
    if (follows && last.length + length <= mergedBytes) last.length += length
    else operations.push({ kind, offset, length })
  }
  if (operations.length === 0) throw new Error(`${traceFile} has no reads or writes in it`)
  const words = operations.map(({ kind, offset, length }) => `${kind}${offset / sector}+${length / sector}`)
  const lines = Array.from({ length: Math.ceil(words.length / 10) }, (_, index) =>
    words.slice(index * 10, index * 10 + 10).join(' '),
  )
  writeFileSync(patternFile, `${JSON.stringify({ recorded: description, diskBytes, lines }, null, 2)}\n`)
}

const usage = `node bench/boot-storm/record.ts TRACE PATTERN DESCRIPTION DISK_BYTES

Turns the block trace of a booting machine into the pattern that the boot storm replays.
`
const [trace, pattern, description, diskBytes] = process.argv.slice(2)
if (!trace || !pattern || !description || !(Number(diskBytes) > 0)) {
  process.stderr.write(usage)
  process.exitCode = 2
} else recordPattern(trace, pattern, description, Number(diskBytes))
