import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  /** Of the first response; 0 when nothing came. */
  status: number
  head: string
  body: string
}

/** Sends text as it is and reads until the service closes the connection or `enough` of the response came. */
export function sendRaw(base: string, text: string, meanwhile?: (socket: Socket) => void): Promise<RawAnswer> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let got = ''
    socket.on('data', (chunk) => {
      got += chunk
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      const [head = '', body = ''] = got.split('\r\n\r\n')
      resolve({ status: Number(/^HTTP\/1\.\d (\d+)/.exec(head)?.[1] ?? 0), head, body })
    })
    meanwhile?.(socket)
  })
}
