import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Certificate, createWebServer, type Logger, type Running } from '@hearth/core'
import type { BodyRange } from '../bodies/bodies.ts'
import type { Device } from '../device/device.ts'
import { StorageError, storageErrorOf } from '../errors.ts'
import type { ReadName, WriteName } from '../records/operations.ts'
import { reads } from '../records/reads.ts'
import { writes } from '../records/writes.ts'
import { fileOf } from './local-node.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import { isSignedBody, openVerifier, type Refusal, type Verifier, window } from './signature.ts'

interface StorageServerOptions {
  host: string
  port: number
  /** Shared by all hosts of the cluster; never empty. */
  secret: string
  /** Fingerprint of the cluster. */
  cluster: string
  devices: Map<string, Device>
  /** The latest timestamp this host has seen. */
  latest(): string
  /** Serves HTTPS to hosts that show a certificate of the same authority; plain HTTP when absent. */
  certificate?: Certificate | undefined
  log: Logger
}

/** Bytes of the largest request: a piece of a body, or a batch of listing lines. */
const largestRequest = 16 * 1024 * 1024
/** Milliseconds in which a request must have come in. */
const requestTimeout = 60_000

/** Offers the devices of this process to proxies and keepers on other hosts. Throws for an empty secret. */
export async function openStorageServer(options: StorageServerOptions): Promise<Running> {
  const verifier = openVerifier(options.secret, options.cluster)
  const server = createWebServer({ requestTimeout, connectionsCheckingInterval: 5000 }, options.certificate)
  server.on('request', (message: IncomingMessage, reply: ServerResponse) => {
    reply.setHeader('x-storage-latest', options.latest())
    void handle(message, reply, options, verifier).catch((error: unknown) => fail(reply, error))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  const { port } = server.address() as { port: number }
  return {
    url: `${options.certificate ? 'https' : 'http'}://${options.host}:${port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

const statuses = { full: 507, missing: 404, corrupt: 503, offline: 503 }

function fail(reply: ServerResponse, error: unknown): void {
  if (reply.headersSent) {
    reply.destroy()
    return
  }
  const { kind, message } = storageErrorOf(error)
  send(reply, statuses[kind], { kind, message })
}

function send(reply: ServerResponse, status: number, value: { kind: string; message: string }): void {
  reply.writeHead(status, { 'content-type': 'application/json' })
  reply.end(JSON.stringify(value))
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of message) {
    size += (chunk as Buffer).length
    if (size > largestRequest) throw new StorageError('offline', `a request is larger than ${largestRequest} bytes`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

const refusals: Record<Refusal, string> = {
  signature: 'the signature is not that of the shared secret storagePlane (secrets.json)',
  cluster: 'the hash salt is another one: copy objectSalt of secrets.json, every host needs the same',
  time: `the clocks of the hosts differ by more than ${window} seconds`,
  replay: 'the request was sent before',
}

async function handle(
  message: IncomingMessage,
  reply: ServerResponse,
  options: StorageServerOptions,
  verifier: Verifier,
): Promise<void> {
  const refusal = verifier.check(message.method ?? '', message.url ?? '', message.headers)
  if (refusal) {
    options.log.warn({ from: message.socket.remoteAddress, refusal }, 'a storage request was refused')
    return send(reply, 401, { kind: 'offline', message: refusals[refusal] })
  }
  const body = await readAll(message)
  if (!isSignedBody(message.headers, body)) return send(reply, 401, { kind: 'offline', message: refusals.signature })
  const url = new URL(message.url ?? '/', 'http://storage')
  const [name = '', area, action = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  const device = options.devices.get(name)
  if (!device) throw new StorageError('offline', `no device ${name} here`)
  if (area === 'body') return sendBody(device, decodeMessage(body) as BodyRange, reply)
  if (area === 'stage') {
    await onStage(device, action, url.searchParams.get('file') ?? '', body)
    reply.writeHead(200).end()
    return
  }
  reply.writeHead(200).end(encodeMessage(await callDevice(device, action, body)))
}

async function callDevice(device: Device, name: string, body: Buffer): Promise<unknown> {
  const input = decodeMessage(body)
  if (name === 'damage') return device.damage.add((input as { hash: string }).hash)
  if (name === 'stage') {
    const { hash, size } = input as { hash: string; size: number }
    const { file } = await device.stage(hash, size)
    return { file }
  }
  if (Object.hasOwn(reads, name)) return device.read(name as ReadName, input as never)
  if (Object.hasOwn(writes, name))
    return device.write(name as WriteName, input as never, fileOf(name as WriteName, input))
  throw new StorageError('offline', `no operation ${name}`)
}

/** A body whose proxy has gone is removed by the device, some time after it was touched last. */
async function onStage(device: Device, action: string, file: string, body: Buffer): Promise<void> {
  const stage = device.staged(file)
  if (!stage) throw new StorageError('missing', `no body ${file} is being written`)
  if (action === 'write') await stage.write([body])
  else if (action === 'finish') await stage.finish()
  else await stage.abort()
}

async function sendBody(device: Device, range: BodyRange, reply: ServerResponse): Promise<void> {
  for await (const chunk of device.body(range)) {
    if (!reply.headersSent) reply.writeHead(200)
    if (reply.destroyed) return
    if (!reply.write(chunk)) await drained(reply)
  }
  reply.end()
}

/** Milliseconds that a reader may pause before it is cut off. */
const readerPatience = 60_000

function drained(reply: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer)
      reply.off('drain', go)
      reply.off('close', go)
      resolve()
    }
    const timer = setTimeout(() => reply.destroy(), readerPatience)
    reply.once('drain', go)
    reply.once('close', go)
    if (reply.destroyed) go()
  })
}
