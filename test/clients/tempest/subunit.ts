import { crc32 } from 'node:zlib'

/** How a test ended, in subunit's words made short. */
type Outcome = 'passed' | 'failed' | 'skipped'

export interface TestResult {
  id: string
  outcome: Outcome
  /** Last line of the traceback, or why it was skipped. */
  reason: string
  seconds: number
}

interface Packet {
  id: string | null
  status: number
  timestamp: number | null
  file: { name: string; content: Buffer } | null
}

const signature = 0xb3
const version = 2
const flags = { id: 0x0800, route: 0x0400, timestamp: 0x0200, tags: 0x0080, file: 0x0040, mime: 0x0020 }
const outcomes: Record<number, Outcome> = { 3: 'passed', 4: 'failed', 5: 'skipped', 6: 'failed', 7: 'passed' }

/**
 * Reads a stream of subunit v2 (https://github.com/testing-cabal/subunit: "Subunit v2 wire format") as it comes, and
 * tells each test once it has ended. Bytes between packets, such as prints, are passed over.
 */
export function openSubunitReader(ended: (result: TestResult) => void): { write(chunk: Buffer): void } {
  const tests = new Map<string, { began: number | null; traceback: string; reason: string }>()
  let rest: Buffer = Buffer.alloc(0)

  const take = ({ id, status, timestamp, file }: Packet): void => {
    if (id === null) return
    const known = tests.get(id) ?? { began: timestamp, traceback: '', reason: '' }
    tests.set(id, known)
    if (file?.name === 'reason') known.reason += file.content.toString()
    if (file?.name.startsWith('traceback')) known.traceback += file.content.toString()
    const outcome = outcomes[status]
    if (!outcome) return
    const seconds = timestamp !== null && known.began !== null ? timestamp - known.began : 0
    const text = outcome === 'skipped' ? known.reason : known.traceback || known.reason
    tests.delete(id)
    ended({ id, outcome, reason: text.trimEnd().split('\n').at(-1)!.trim(), seconds })
  }

  return {
    write(chunk) {
      rest = Buffer.concat([rest, chunk])
      let at = 0
      while (at < rest.length) {
        if (rest[at] !== signature || (at + 1 < rest.length && rest[at + 1]! >> 4 !== version)) {
          at++
          continue
        }
        const length = lengthAt(rest, at)
        if (length === null || at + length > rest.length) break
        const packet = parse(rest.subarray(at, at + length))
        if (packet) take(packet)
        at += packet ? length : 1
      }
      rest = rest.subarray(at)
    },
  }
}

/** Length of the packet that begins here; null when not all of it is there. */
function lengthAt(bytes: Buffer, at: number): number | null {
  if (bytes.length < at + 7) return null
  return Math.max(8, readNumber(bytes, at + 3)[0])
}

/** A number of one to four bytes, whose first two bits say how many; and where it ends. */
function readNumber(bytes: Buffer, at: number): [value: number, end: number] {
  const size = (bytes[at]! >> 6) + 1
  const whole = bytes.readUIntBE(at, size)
  return [whole % 2 ** (size * 8 - 2), at + size]
}

function parse(bytes: Buffer): Packet | null {
  const end = bytes.length - 4
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32BE(end)) return null
  const present = bytes.readUInt16BE(1)
  let [, at] = readNumber(bytes, 3)
  const number = (): number => {
    const [value, after] = readNumber(bytes, at)
    at = after
    return value
  }
  const text = (): string => {
    const length = number()
    at += length
    return bytes.toString('utf8', at - length, at)
  }
  const packet: Packet = { id: null, status: present & 7, timestamp: null, file: null }
  if (present & flags.timestamp) {
    const seconds = bytes.readUInt32BE(at)
    at += 4
    packet.timestamp = seconds + number() / 1e9
  }
  if (present & flags.id) packet.id = text()
  if (present & flags.tags) for (let count = number(); count > 0; count--) text()
  if (present & flags.mime) text()
  if (present & flags.file) {
    const name = text()
    const length = number()
    packet.file = { name, content: bytes.subarray(at, at + length) }
  }
  return packet
}
