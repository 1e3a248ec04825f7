import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection to the host and port of a URL. Errors end it and are not thrown. */
export async function dial(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  return socket
}

/** The head of a request, with its empty line. */
export const head = (line: string, ...headers: string[]): string =>
  [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')

/** Writes and waits until the peer takes more. Returns false when the connection is over. */
export async function pump(socket: Socket, bytes: Buffer | string): Promise<boolean> {
  if (!socket.writable) return false
  if (!socket.write(bytes)) await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  return socket.writable
}

/** What the peer says until it closes, or until `until` fits; at most the first MiB. */
export async function hear(socket: Socket, until?: RegExp): Promise<string> {
  let text = ''
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (text.length < 2 ** 20) text += chunk.toString('latin1')
      if (until?.test(text)) break
    }
  } catch {
    // The connection was reset: what came before counts.
  }
  return text
}
