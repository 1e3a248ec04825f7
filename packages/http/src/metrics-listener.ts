import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry, Running } from '@hearth/core'
import { requestErrors } from './validation.ts'

interface MetricsListenerOptions {
  host: string
  port: number
  metrics: Registry
}

/** Offers the metrics of a process at `/metrics` of an address of their own. Throws PortInUse naming host and port. */
export async function openMetricsListener({ host, port, metrics }: MetricsListenerOptions): Promise<Running> {
  const server = createServer({ maxHeaderSize: 8192, connectionsCheckingInterval: 5000 }, (request, reply) => {
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    if (!isRead || request.url?.split('?', 1)[0] !== '/metrics') return reply.writeHead(404).end()
    metrics.metrics().then(
      (text) => reply.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => reply.writeHead(500).end(),
    )
  })
  server.headersTimeout = 10_000
  server.requestTimeout = 10_000
  server.maxConnections = 64
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(cause.code === 'EADDRINUSE' ? requestErrors.PortInUse({ service: 'metrics', host, port }, cause) : cause)
    })
    server.listen(port, host, resolve)
  })
  const listening = (server.address() as AddressInfo).port
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
