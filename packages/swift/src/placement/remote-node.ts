import { type Certificate, certificateProblem, type Logger } from '@hearth/core'
import type { Device } from '@hearth/ring'
import { Agent, buildConnector, type Dispatcher, request } from 'undici'
import { StorageError, type StorageErrorKind } from '../storage/errors.ts'
import { decodeMessage, encodeMessage } from '../storage/network/message.ts'
import { type Node, nodeKey } from '../storage/network/node.ts'
import { openSigner } from '../storage/network/signature.ts'

/** How long a device on another host may be silent. */
const patience = 60_000

interface RemoteOptions {
  secret: string
  /** Fingerprint of the cluster. */
  cluster: string
  /** Hosts are reached by TLS with it; by plain HTTP when absent. */
  certificate?: Certificate | undefined
  /** Called with the latest timestamp that a host reports. */
  observe(timestamp: string): void
  log: Logger
}

type Sent = Pick<Dispatcher.ResponseData, 'statusCode' | 'body'>

/** Sends one signed request to a device on another host. */
type Send = (device: Device, path: string, body: Uint8Array) => Promise<Sent>

interface Remote {
  node(device: Device): Node
  close(): Promise<void>
}

/** The way to devices of other hosts, through their storage roles. */
export function openRemote(options: RemoteOptions): Remote {
  const { cluster, observe, log } = options
  const sign = openSigner(options.secret)
  const dispatcher = options.certificate ? openSecureDispatcher(options.certificate) : new Agent()
  const troubles = new Set<string>()
  const report = (host: string, text: string): void => {
    if (!troubles.has(host)) log.error({ host }, text)
    troubles.add(host)
  }
  const send: Send = async (device, path, body) => {
    const host = `${device.ip.includes(':') ? `[${device.ip}]` : device.ip}:${device.port}`
    const headers = sign({ method: 'POST', path, cluster, body })
    const url = `${options.certificate ? 'https' : 'http'}://${host}${path}`
    const limits = { headersTimeout: patience, bodyTimeout: patience }
    const sent = await request(url, { method: 'POST', headers, body, dispatcher, ...limits }).catch((error: Error) => {
      report(host, reasonOf(error))
      rethrow(error)
    })
    const latest = sent.headers['x-storage-latest']
    if (typeof latest === 'string') observe(latest)
    if (sent.statusCode === 200 && troubles.delete(host)) log.info({ host }, 'a storage host is reached again')
    if (sent.statusCode !== 401) return sent
    const error = failureOf(Buffer.from(await sent.body.arrayBuffer()), sent.statusCode)
    report(host, `a storage host refuses this one: ${error.message}`)
    throw error
  }
  let closed: Promise<void> | null = null
  const close = () => {
    closed ??= dispatcher.close()
    return closed
  }
  return { node: (device) => remoteNode(device, send), close }
}

/** Why a host was not reached; its certificate, when that is the reason. */
function reasonOf(error: Error): string {
  const problem = certificateProblem(error)
  if (problem !== null) return `the certificate of a storage host is not accepted (tls.authority): ${problem}`
  return `a storage host is not reached: ${error.message}`
}

/** Connects to other hosts by TLS: shows the newest certificate of this one and accepts those of the same authority. */
function openSecureDispatcher(certificate: Certificate): Agent {
  let cert: unknown
  let connector: ReturnType<typeof buildConnector> | undefined
  return new Agent({
    connect(options, done) {
      const current = certificate.clientOptions()
      if (!connector || current.cert !== cert) connector = buildConnector({ ...current, timeout: 10_000 })
      cert = current.cert
      connector(options, done)
    },
  })
}

function remoteNode(device: Device, send: Send): Node {
  const base = `/${encodeURIComponent(device.device)}`
  const call = async (name: string, input: unknown): Promise<unknown> =>
    decodeMessage(await expectOk(send(device, `${base}/call/${name}`, encodeMessage(input))))
  return {
    key: nodeKey(device),
    local: false,
    write: (name, input) => call(name, input) as Promise<never>,
    read: (name, input) => call(name, input) as Promise<never>,
    async stage(hash, size) {
      const { file } = (await call('stage', { hash, size })) as { file: string }
      const at = async (part: string, body: Uint8Array) => {
        await expectOk(send(device, `${base}/stage/${part}?file=${encodeURIComponent(file)}`, body))
      }
      return {
        file,
        write: (chunks) => at('write', Buffer.concat(chunks)),
        finish: () => at('finish', nothing),
        abort: () => at('abort', nothing).catch(() => undefined),
      }
    },
    async *body(range) {
      const { statusCode, body } = await send(device, `${base}/body`, encodeMessage(range))
      if (statusCode !== 200) throw failureOf(Buffer.from(await body.arrayBuffer()), statusCode)
      let left = range.end - range.start
      try {
        for await (const chunk of body) {
          left -= (chunk as Buffer).length
          yield chunk as Buffer
        }
      } catch (error) {
        rethrow(error)
      }
      if (left > 0) throw new StorageError('offline', `${device.ip} stopped sending`)
    },
    async reportDamage(hash) {
      await call('damage', { hash })
    },
  }
}

const nothing = new Uint8Array()

async function expectOk(sent: Promise<Sent>): Promise<Buffer> {
  const { statusCode, body } = await sent
  const bytes = Buffer.from(await body.arrayBuffer().catch(rethrow))
  if (statusCode !== 200) throw failureOf(bytes, statusCode)
  return bytes
}

function failureOf(bytes: Buffer, status: number): StorageError {
  try {
    const { kind, message } = JSON.parse(bytes.toString()) as { kind: StorageErrorKind; message: string }
    return new StorageError(kind, message)
  } catch {
    return new StorageError('offline', `the storage role returned ${status}`)
  }
}

function rethrow(error: unknown): never {
  throw error instanceof StorageError ? error : new StorageError('offline', (error as Error).message)
}
