import { createConnection } from 'node:net'
import { DriverError, type DriverErrorKind, openGate, type Runner } from '@hearth/driver'

const modes = { system: 0, target: 1, logicalunit: 2, portal: 3, connection: 6, account: 7 }
const operations = { new: 0, delete: 1, show: 2, bind: 3, unbind: 4, update: 5 }

/** tgtd's error numbers and tgtadm's words for those we tell apart; the others are `failed`. */
const answers = {
  'no-target': { number: 4, text: "can't find the target" },
  'no-lun': { number: 5, text: "can't find the logical unit" },
  'target-exists': { number: 9, text: 'this target already exists' },
  'lun-exists': { number: 10, text: 'this logical unit number already exists' },
  'binding-exists': { number: 11, text: 'this binding already exists' },
  'acl-exists': { number: 12, text: 'this access control rule already exists' },
  'no-acl': { number: 13, text: 'this access control rule does not exist' },
  'account-exists': { number: 14, text: 'this account already exists' },
  'no-account': { number: 15, text: "can't find the account" },
  invalid: { number: 17, text: 'invalid request' },
  'target-active': { number: 19, text: 'this target is still active' },
  'lun-active': { number: 20, text: 'this logical unit is still active' },
}

type TgtAnswer = keyof typeof answers

/** One request to tgtd, in tgtadm's words. */
interface TgtRequest {
  mode: keyof typeof modes
  op: keyof typeof operations
  tid?: number
  lun?: number
  force?: boolean
  parameters?: Record<string, string>
}

/**
 * Sends the request to tgtd. Returns its output, or the name of an error that the caller allows. Throws DriverError.
 */
export type TgtControl = (request: TgtRequest, allow?: TgtAnswer[]) => Promise<{ text: string; refused?: TgtAnswer }>

/** Size of the request's fixed part: mode, op, lld[64], len, tid, sid, lun, cid, host, type, ac_dir, pack, force. */
const headerBytes = 120
const invalidLun = 0xffff_ffff_ffff_ffffn
const patience = 30_000
/** tgtd accepts one connection after another and queues 32 of them. */
const atOnce = 8

/**
 * Speaks tgtd's control protocol (tgt's usr/tgtadm.h) on its socket: no process per request, and no CHAP password in
 * the arguments of one, where every user of the host could read it. `socketPath` is without the control port's suffix.
 */
export function openSocketControl(socketPath: string): TgtControl {
  const enter = openGate(atOnce)
  return async (request, allow = []) => {
    const reply = await enter(() => exchange(`${socketPath}.0`, encode(request)))
    const number = reply.readUInt32LE(0)
    const text = reply.subarray(8).toString().replaceAll('\0', '')
    if (number === 0) return { text }
    const refused = answerOf(({ number: known }) => known === number)
    if (refused && allow.includes(refused)) return { text: '', refused }
    throw refusal(request, refused, refused ? answers[refused].text : `error ${number}`)
  }
}

/** The same through tgtadm, for a tgtd that only another user or another host can reach. */
export function openCommandControl(socketPath: string, run: Runner): TgtControl {
  const enter = openGate(atOnce)
  return async (request, allow = []) => {
    const secret = request.parameters?.password
    const argv = ['env', `TGT_IPC_SOCKET=${socketPath}`, 'tgtadm', '-C', '0', ...argumentsOf(request)]
    const options = { allow: [0, 2, 22, 107, 111], timeout: patience, secrets: secret === undefined ? [] : [secret] }
    const { stdout, stderr, exitCode } = await enter(() => run(argv, options))
    if (exitCode === 0) return { text: stdout }
    const said = stderr.trim()
    if (exitCode !== 22) throw new DriverError('unavailable', `tgtd does not answer at ${socketPath}: ${said}`)
    const refused = answerOf(({ text }) => said.endsWith(text))
    if (refused && allow.includes(refused)) return { text: '', refused }
    throw refusal(request, refused, said)
  }
}

function answerOf(matches: (answer: { number: number; text: string }) => boolean): TgtAnswer | undefined {
  return (Object.keys(answers) as TgtAnswer[]).find((name) => matches(answers[name]))
}

function refusal(request: TgtRequest, refused: TgtAnswer | undefined, said: string): DriverError {
  const kinds: Partial<Record<TgtAnswer, DriverErrorKind>> = {
    'no-target': 'not-found',
    'no-lun': 'not-found',
    'target-active': 'busy',
    'lun-active': 'busy',
  }
  const kind = (refused && kinds[refused]) ?? 'failed'
  const target = request.tid === undefined ? '' : ` of target ${request.tid}`
  return new DriverError(kind, `tgtd refuses ${request.mode} ${request.op}${target}: ${said}`)
}

function encode(request: TgtRequest): Buffer {
  const { mode, op, tid = -1, lun, force, parameters } = request
  const pairs = Object.entries(parameters ?? {}).map(([key, value]) => `${key}=${value}`)
  const payload = Buffer.from(pairs.length === 0 ? '' : `${pairs.join(',')}\0`)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(modes[mode], 0)
  header.writeUInt32LE(operations[op], 4)
  header.write('iscsi', 8)
  header.writeUInt32LE(headerBytes + payload.length, 72)
  header.writeInt32LE(tid, 76)
  header.writeBigUInt64LE(lun === undefined ? invalidLun : BigInt(lun), 88)
  header.writeUInt32LE(force ? 1 : 0, 116)
  return Buffer.concat([header, payload])
}

function exchange(path: string, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = createConnection(path)
    const fail = (why: string) => {
      socket.destroy()
      reject(new DriverError('unavailable', `tgtd does not answer at ${path}: ${why}`))
    }
    socket.setTimeout(patience, () => fail(`no word for ${patience} ms`))
    socket.on('error', (error) => fail(error.message))
    socket.on('data', (part) => parts.push(part as Buffer))
    socket.on('close', () => {
      const reply = Buffer.concat(parts)
      if (reply.length >= 8 && reply.length >= reply.readUInt32LE(4)) resolve(reply)
      else fail(`it closed after ${reply.length} bytes`)
    })
    socket.write(request)
  })
}

function argumentsOf(request: TgtRequest): string[] {
  const { mode, op, tid, lun, force, parameters = {} } = request
  const argv = ['--lld', 'iscsi', '--mode', mode, '--op', op]
  if (tid !== undefined) argv.push('--tid', String(tid))
  if (lun !== undefined) argv.push('--lun', String(lun))
  if (force) argv.push('--force')
  const own: Record<string, string> = { path: 'backing-store', portal: 'param' }
  if (mode === 'logicalunit' && op === 'update') {
    const pairs = Object.entries(parameters).map(([key, value]) => `${key}=${value}`)
    return [...argv, '--params', pairs.join(',')]
  }
  for (const [key, value] of Object.entries(parameters)) {
    argv.push(`--${own[key] ?? key}`, key === 'portal' ? `portal=${value}` : value)
  }
  return argv
}
