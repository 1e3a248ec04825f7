import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

/** What this process is told, as JSON in its first argument. */
export interface HostileOrders {
  ports: { identity: number; volume: number; image: number; object: number }
  /** Path of a large object that anybody may read. */
  publicObject: string
  connections: number
  seconds: number
  /** Only this one of the attacks, by its place; all when absent. */
  only?: number
}

/** What it prints at the end, as JSON. */
export interface HostileReport {
  /** Connections that were open at once, at most. */
  mostOpen: number
  opened: number
  /** Connections that the suite closed. */
  closed: number
  /** Answers by status. */
  statuses: Record<string, number>
}

interface Attack {
  port: keyof HostileOrders['ports'] | 'any'
  /** Begins; what is to be repeated is registered with `every`. */
  begin(socket: Socket, orders: HostileOrders, every: (ms: number, work: () => void) => void): void
}

const head = (line: string, ...fields: string[]): string => `${[line, 'host: a', ...fields].join('\r\n')}\r\n\r\n`
const json = 'content-type: application/json'
const passwordOf = (name: string): string =>
  JSON.stringify({
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name, domain: { id: 'default' }, password: randomBytes(8).toString('hex') } },
      },
    },
  })

/** Each of them is tried on an equal share of the connections. */
const attacks: Attack[] = [
  { port: 'any', begin: () => undefined },
  {
    port: 'any',
    begin(socket, _orders, every) {
      socket.write('GET /healthcheck HTTP/1.1\r\nhost: a\r\n')
      every(2000, () => socket.write(`x-${randomBytes(3).toString('hex')}: y\r\n`))
    },
  },
  {
    port: 'any',
    begin(socket, _orders, every) {
      socket.write(head('POST /v3/auth/tokens HTTP/1.1', json, 'content-length: 100000'))
      every(2000, () => socket.write(' '))
    },
  },
  {
    port: 'object',
    begin(socket, { publicObject }) {
      socket.write(head(`GET ${publicObject} HTTP/1.1`))
      socket.pause()
    },
  },
  {
    port: 'any',
    begin: (socket) =>
      void socket.write(Buffer.concat([Buffer.from('160301020001000001fc0303', 'hex'), randomBytes(500)])),
  },
  { port: 'any', begin: (socket) => void socket.write(head('GET / HTTP/1.1', `x: ${'a'.repeat(1_000_000)}`)) },
  {
    port: 'any',
    begin: (socket) =>
      void socket.write(head('POST /v3/auth/tokens HTTP/1.1', json, 'content-length: 10') + 'x'.repeat(50_000)),
  },
  { port: 'any', begin: (socket) => void socket.write(head('GET /healthcheck HTTP/1.1').repeat(20)) },
  {
    port: 'identity',
    begin(socket) {
      const body = '['.repeat(50_000) + ']'.repeat(50_000)
      socket.write(head('POST /v3/auth/tokens HTTP/1.1', json, `content-length: ${body.length}`) + body)
    },
  },
  {
    port: 'identity',
    begin(socket, _orders, every) {
      const attempt = (): void => {
        const body = passwordOf(Math.random() < 0.5 ? 'admin' : `user-${randomBytes(4).toString('hex')}`)
        socket.write(head('POST /v3/auth/tokens HTTP/1.1', json, `content-length: ${body.length}`) + body)
      }
      attempt()
      every(3000, attempt)
    },
  },
  {
    port: 'object',
    begin(socket, _orders, every) {
      socket.write(
        head(
          'POST /v1/AUTH_x/c HTTP/1.1',
          'content-type: multipart/form-data; boundary=xyz',
          'transfer-encoding: chunked',
        ),
      )
      const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
      every(500, () => void (socket.writableNeedDrain || socket.write(chunk)))
    },
  },
  {
    port: 'object',
    begin(socket, _orders, every) {
      socket.write(head('PUT /v1/AUTH_x/c/o HTTP/1.1', 'content-length: 5000000000'))
      every(1000, () => void (socket.writableNeedDrain || socket.write('y'.repeat(1000))))
    },
  },
]

const orders = JSON.parse(process.argv[2]!) as HostileOrders
const report: HostileReport = { mostOpen: 0, opened: 0, closed: 0, statuses: {} }
const open = new Set<Socket>()
const end = Date.now() + orders.seconds * 1000
const services = Object.keys(orders.ports) as (keyof HostileOrders['ports'])[]

for (let index = 0; index < orders.connections; index++)
  setTimeout(() => keepOpen(index), (index * 3000) / orders.connections)
setTimeout(() => {
  process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0))
}, orders.seconds * 1000)

/** Opens a connection and attacks on it; when the suite closes it, another takes its place some seconds later. */
function keepOpen(index: number): void {
  const attack = attacks[orders.only ?? index % attacks.length]!
  const service = attack.port === 'any' ? services[Math.floor(index / attacks.length) % services.length]! : attack.port
  const timers: NodeJS.Timeout[] = []
  const socket = connect({ host: '127.0.0.1', port: orders.ports[service] }, () => {
    report.opened++
    open.add(socket)
    report.mostOpen = Math.max(report.mostOpen, open.size)
    attack.begin(socket, orders, (ms, work) => {
      timers.push(setInterval(work, ms))
    })
  })
  socket.on('data', (chunk: Buffer) => {
    for (const [, status] of chunk.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g))
      report.statuses[status!] = (report.statuses[status!] ?? 0) + 1
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    for (const timer of timers) clearInterval(timer)
    if (open.delete(socket)) report.closed++
    if (Date.now() < end) setTimeout(() => keepOpen(index), 2000 + Math.random() * 4000)
  })
}
