import type { Certificate } from '@hearth/core'
import type { Device } from '@hearth/ring'
import { Agent, buildConnector, type Dispatcher, request } from 'undici'
import { StorageError, type StorageErrorKind } from '../storage/errors.ts'
import { decodeMessage, encodeMessage } from '../storage/message.ts'
import { type Node, nodeKey } from './node.ts'

/** How long a device on another host may be silent. */
const patience = 60_000

/** A device of another host, reached through its storage role; by TLS with the dispatcher of `openSecureDispatcher`. */
export function remoteNode(device: Device, secret: string, secure?: Dispatcher): Node {
  const base = `${secure ? 'https' : 'http'}://${device.ip.includes(':') ? `[${device.ip}]` : device.ip}:${device.port}/${encodeURIComponent(device.device)}`
  const headers = { 'x-storage-secret': secret }
  const send = (url: string, body: Uint8Array | null) => post(url, headers, body, secure)
  const call = async (name: string, input: unknown): Promise<unknown> => {
    const { statusCode, body } = await send(`${base}/call/${name}`, encodeMessage(input))
    const bytes = Buffer.from(await body.arrayBuffer().catch(rethrow))
    if (statusCode !== 200) throw failureOf(bytes, statusCode)
    return decodeMessage(bytes)
  }
  return {
    key: nodeKey(device),
    local: false,
    write: (name, input) => call(name, input) as Promise<never>,
    read: (name, input) => call(name, input) as Promise<never>,
    async stage(hash, size) {
      const { file } = (await call('stage', { hash, size })) as { file: string }
      const at = (part: string) => `${base}/stage/${part}?file=${encodeURIComponent(file)}`
      return {
        file,
        write: (chunks) => expectOk(send(at('write'), Buffer.concat(chunks))),
        finish: () => expectOk(send(at('finish'), null)),
        abort: () => expectOk(send(at('abort'), null)).catch(() => undefined),
      }
    },
    async *body(range) {
      const { statusCode, body } = await send(`${base}/body`, encodeMessage(range))
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
  }
}

function post(url: string, headers: Record<string, string>, body: Uint8Array | null, secure?: Dispatcher) {
  const options = { method: 'POST' as const, headers, body, headersTimeout: patience, bodyTimeout: patience }
  return request(url, { ...options, ...(secure && { dispatcher: secure }) }).catch(rethrow)
}

/** Connects to other hosts by TLS: shows the newest certificate of this one and accepts those of the same authority. */
export function openSecureDispatcher(certificate: Certificate): Agent {
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

async function expectOk(sent: ReturnType<typeof post>): Promise<void> {
  const { statusCode, body } = await sent
  const bytes = Buffer.from(await body.arrayBuffer())
  if (statusCode !== 200) throw failureOf(bytes, statusCode)
}

function failureOf(bytes: Buffer, status: number): StorageError {
  try {
    const { kind, message } = JSON.parse(bytes.toString()) as { kind: StorageErrorKind; message: string }
    return new StorageError(kind, message)
  } catch {
    return new StorageError('offline', `the storage role answered ${status}`)
  }
}

function rethrow(error: unknown): never {
  throw error instanceof StorageError ? error : new StorageError('offline', (error as Error).message)
}
