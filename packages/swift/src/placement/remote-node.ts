import type { Device } from '@hearth/ring'
import { request } from 'undici'
import { StorageError, type StorageErrorKind } from '../storage/errors.ts'
import { decodeMessage, encodeMessage } from '../storage/message.ts'
import { type Node, nodeKey } from './node.ts'

/** How long a device on another host may be silent. */
const patience = 60_000

/** A device of another host, reached through its storage role. */
export function remoteNode(device: Device, secret: string): Node {
  const base = `http://${device.ip.includes(':') ? `[${device.ip}]` : device.ip}:${device.port}/${encodeURIComponent(device.device)}`
  const headers = { 'x-storage-secret': secret }
  const call = async (name: string, input: unknown): Promise<unknown> => {
    const { statusCode, body } = await post(`${base}/call/${name}`, headers, encodeMessage(input))
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
        write: (chunks) => expectOk(post(at('write'), headers, Buffer.concat(chunks))),
        finish: () => expectOk(post(at('finish'), headers, null)),
        abort: () => expectOk(post(at('abort'), headers, null)).catch(() => undefined),
      }
    },
    async *body(range) {
      const { statusCode, body } = await post(`${base}/body`, headers, encodeMessage(range))
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

function post(url: string, headers: Record<string, string>, body: Uint8Array | null) {
  const options = { method: 'POST' as const, headers, body, headersTimeout: patience, bodyTimeout: patience }
  return request(url, options).catch(rethrow)
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
