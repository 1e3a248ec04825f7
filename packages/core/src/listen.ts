import { createServer, type Server, type Socket } from 'node:net'

interface ListenAt {
  host: string
  /** 0 picks a free one. */
  port: number
  /** Connections at once on all sockets together; more are closed. No bound when absent. */
  maxConnections?: number
}

export interface Listening {
  port: number
  /** Stops accepting at once; resolves when the connections of the further sockets have ended. */
  close(): Promise<void>
}

/** Node accepts one connection per socket and turn of the event loop (libuv's uv__server_io). */
const sockets = 16
const backlog = 4096

/**
 * Lets a server of HTTP or HTTPS listen with several sockets of one port, so that a client waits for few turns of the
 * event loop when many connect. Closing `server` itself stays the caller's task. Throws Node's EADDRINUSE when the
 * port is taken.
 */
export async function listenOn(server: Server, { host, port, maxConnections }: ListenAt): Promise<Listening> {
  // Sockets that share a port would share it with another process of the same user as well.
  if (port !== 0) await close(await open(createServer(), { host, port }))
  await open(server, { host, port, reusePort: true })
  const { port: bound } = server.address() as { port: number }
  const forward = forwarder(server, maxConnections)
  const further = Array.from({ length: sockets - 1 }, () => createServer(socketOptions, forward))
  const closeAll = async (): Promise<void> => {
    await Promise.all(further.filter(({ listening }) => listening).map(close))
  }
  try {
    for (const socket of further) await open(socket, { host, port: bound, reusePort: true })
  } catch (error) {
    await Promise.all([closeAll(), close(server)])
    throw error
  }
  return { port: bound, close: closeAll }
}

/** Socket options that node:http sets for its own sockets. */
const socketOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }

/** Hands connections of the further sockets to the server; both kinds count for the bound. */
function forwarder(server: Server, most: number | undefined): (socket: Socket) => void {
  let forwarded = 0
  let all = 0
  const countForwarded = (step: number): void => {
    forwarded += step
    if (most !== undefined) server.maxConnections = Math.max(1, most - forwarded)
  }
  server.prependListener('connection', (socket: Socket) => {
    all++
    socket.once('close', () => all--)
  })
  countForwarded(0)
  return (socket) => {
    if (most !== undefined && all >= most) {
      socket.destroy()
      return
    }
    countForwarded(1)
    socket.once('close', () => countForwarded(-1))
    server.emit('connection', socket)
  }
}

function open(server: Server, at: { host: string; port: number; reusePort?: true }): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...at, backlog }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
