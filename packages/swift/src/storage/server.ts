import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Certificate, createWebServer, type Logger, type Running } from '@hearth/core'
import { fileOf } from '../placement/local-node.ts'
import type { BodyRange, Stage } from './bodies.ts'
import type { Engine } from './engine.ts'
import { StorageError, storageErrorOf } from './errors.ts'
import { decodeMessage, encodeMessage } from './message.ts'
import type { ReadName, WriteName } from './operations.ts'
import { reads } from './reads.ts'
import { writes } from './writes.ts'

export interface StorageServerOptions {
  host: string
  port: number
  secret: string
  /** Serves HTTPS to hosts that show a certificate of the same authority; plain HTTP when absent. */
  certificate?: Certificate | undefined
  engines: Map<string, Engine>
  log: Logger
}

/** Offers the devices of this process to proxies and keepers on other hosts. */
export async function openStorageServer(options: StorageServerOptions): Promise<Running> {
  const stages = new Map<string, Stage>()
  const server = createWebServer({ requestTimeout: 0 }, options.certificate)
  server.on('request', (message: IncomingMessage, reply: ServerResponse) => {
    void handle(message, reply, options, stages).catch((error: unknown) => fail(reply, error))
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
      await Promise.all([...stages.values()].map((stage) => stage.abort()))
    },
  }
}

function fail(reply: ServerResponse, error: unknown): void {
  if (reply.headersSent) {
    reply.destroy()
    return
  }
  const { kind, message } = storageErrorOf(error)
  reply.writeHead(kind === 'full' ? 507 : kind === 'missing' ? 404 : 503, { 'content-type': 'application/json' })
  reply.end(JSON.stringify({ kind, message }))
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

function knowsSecret(given: string | string[] | undefined, secret: string): boolean {
  const [a, b] = [Buffer.from(String(given ?? '')), Buffer.from(secret)]
  return a.length === b.length && timingSafeEqual(a, b)
}

async function handle(
  message: IncomingMessage,
  reply: ServerResponse,
  options: StorageServerOptions,
  stages: Map<string, Stage>,
): Promise<void> {
  if (!knowsSecret(message.headers['x-storage-secret'], options.secret)) {
    reply.writeHead(401).end()
    return
  }
  const url = new URL(message.url ?? '/', 'http://storage')
  const [device = '', area, name = ''] = url.pathname.slice(1).split('/').map(decodeURIComponent)
  const engine = options.engines.get(device)
  if (!engine) throw new StorageError('offline', `no device ${device} here`)
  if (area === 'body') return sendBody(engine, decodeMessage(await readAll(message)) as BodyRange, reply)
  if (area === 'stage') {
    await onStage(stages, name, url.searchParams.get('file') ?? '', message)
    reply.writeHead(200).end()
    return
  }
  reply.writeHead(200).end(encodeMessage(await callEngine(engine, name, await readAll(message), stages)))
}

async function callEngine(engine: Engine, name: string, body: Buffer, stages: Map<string, Stage>): Promise<unknown> {
  const input = decodeMessage(body)
  if (name === 'stage') {
    const { hash, size } = input as { hash: string; size: number }
    const stage = await engine.stage(hash, size)
    stages.set(stage.file, stage)
    return { file: stage.file }
  }
  if (Object.hasOwn(reads, name)) return engine.read(name as ReadName, input as never)
  if (Object.hasOwn(writes, name))
    return engine.write(name as WriteName, input as never, fileOf(name as WriteName, input))
  throw new StorageError('offline', `no operation ${name}`)
}

async function onStage(
  stages: Map<string, Stage>,
  action: string,
  file: string,
  message: IncomingMessage,
): Promise<void> {
  const stage = stages.get(file)
  if (!stage) throw new StorageError('missing', `no body ${file} is being written`)
  if (action === 'write') await stage.write([await readAll(message)])
  else {
    stages.delete(file)
    await (action === 'finish' ? stage.finish() : stage.abort())
  }
}

async function sendBody(engine: Engine, range: BodyRange, reply: ServerResponse): Promise<void> {
  for await (const chunk of engine.body(range)) {
    if (!reply.headersSent) reply.writeHead(200)
    if (reply.destroyed) return
    if (!reply.write(chunk)) {
      await new Promise<void>((resolve) => {
        reply.once('drain', resolve)
        reply.once('close', resolve)
      })
    }
  }
  reply.end()
}
