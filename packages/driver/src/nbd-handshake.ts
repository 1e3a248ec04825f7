import { DriverError } from './errors.ts'
import type { ByteStream } from './nbd-stream.ts'

// Names and numbers of the NBD protocol: NetworkBlockDevice/nbd, doc/proto.md.
const magic = 0x4e42444d41474943n
const optionMagic = 0x49484156454f5054n
const replyMagic = 0x3e889045565a9n
const fixedNewstyle = 1
const noZeroes = 2
const optionGo = 7
const optionStructuredReply = 8
const optionSetMetaContext = 10
const replyAck = 1
const replyInfo = 3
const replyMetaContext = 4
const firstError = 2 ** 31
const infoExport = 0
const infoBlockSize = 3
/** Bytes of one request that every server accepts. */
const ordinaryMaximum = 32 * 1024 * 1024
const largestReply = 65_536
const mostReplies = 64

/** The export that the server offers. Sizes are in bytes. */
export interface NbdExport {
  sizeBytes: number
  /** Transmission flags. */
  flags: number
  /** Largest request of data. */
  maximumBytes: number
  /** Number of the context `base:allocation`; null when the server cannot list allocated ranges. */
  allocationContext: number | null
}

interface OptionReply {
  type: number
  data: Buffer
}

/** Agrees on the export with the empty name. Throws DriverError `unsupported` and `not-found`. */
export async function negotiate(stream: ByteStream): Promise<NbdExport> {
  const greeting = await stream.take(18)
  if (greeting.readBigUInt64BE(0) !== magic || greeting.readBigUInt64BE(8) !== optionMagic) {
    throw new DriverError('unsupported', 'The block server does not speak the NBD protocol')
  }
  const flags = greeting.readUInt16BE(16)
  if ((flags & fixedNewstyle) === 0) throw new DriverError('unsupported', 'The block server speaks an old NBD protocol')
  const answer = Buffer.alloc(4)
  answer.writeUInt32BE(flags & (fixedNewstyle | noZeroes))
  stream.send(answer)
  if ((await ask(stream, optionStructuredReply, Buffer.alloc(0))).at(-1)!.type !== replyAck) {
    throw new DriverError('unsupported', 'The block server has no structured replies')
  }
  const allocationContext = await chooseContext(stream)
  return { ...(await go(stream)), allocationContext }
}

/** All replies to an option, the last one `ack` or an error. */
async function ask(stream: ByteStream, option: number, data: Buffer): Promise<OptionReply[]> {
  const head = Buffer.alloc(16)
  head.writeBigUInt64BE(optionMagic)
  head.writeUInt32BE(option, 8)
  head.writeUInt32BE(data.length, 12)
  stream.send(head, data)
  const replies: OptionReply[] = []
  while (replies.length < mostReplies) {
    const reply = await stream.take(20)
    const length = reply.readUInt32BE(16)
    if (reply.readBigUInt64BE(0) !== replyMagic || length > largestReply) {
      throw new DriverError('failed', 'The block server broke the NBD protocol')
    }
    const type = reply.readUInt32BE(12)
    replies.push({ type, data: await stream.take(length) })
    if (type === replyAck || type >= firstError) return replies
  }
  throw new DriverError('failed', `The block server sent more than ${mostReplies} replies to one option`)
}

async function chooseContext(stream: ByteStream): Promise<number | null> {
  const query = Buffer.from('base:allocation')
  const data = Buffer.alloc(12)
  data.writeUInt32BE(1, 4)
  data.writeUInt32BE(query.length, 8)
  const replies = await ask(stream, optionSetMetaContext, Buffer.concat([data, query]))
  return replies.find(({ type }) => type === replyMetaContext)?.data.readUInt32BE(0) ?? null
}

async function go(stream: ByteStream): Promise<Pick<NbdExport, 'sizeBytes' | 'flags' | 'maximumBytes'>> {
  const data = Buffer.alloc(8)
  data.writeUInt16BE(1, 4)
  data.writeUInt16BE(infoBlockSize, 6)
  const replies = await ask(stream, optionGo, data)
  const last = replies.at(-1)!
  if (last.type !== replyAck) {
    throw new DriverError('not-found', `The block server refuses its export: ${last.data.toString('utf8')}`)
  }
  const infos = replies.filter(({ type }) => type === replyInfo).map((reply) => reply.data)
  const about = infos.find((info) => info.readUInt16BE(0) === infoExport)
  if (!about) throw new DriverError('failed', 'The block server did not say how large its export is')
  const sizes = infos.find((info) => info.readUInt16BE(0) === infoBlockSize)
  return {
    sizeBytes: Number(about.readBigUInt64BE(2)),
    flags: about.readUInt16BE(10),
    maximumBytes: Math.min(sizes?.readUInt32BE(10) ?? ordinaryMaximum, ordinaryMaximum),
  }
}
