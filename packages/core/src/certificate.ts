import { X509Certificate } from 'node:crypto'
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import { createServer as createHttp, type Server as HttpServer, type ServerOptions } from 'node:http'
import { createServer as createHttps } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContextOptions, type Server, type TlsOptions } from 'node:tls'
import { errorTable } from './errors.ts'
import type { Logger } from './log.ts'

const certificateErrors = errorTable({
  BadCertificate: [500, '{file} cannot be used for TLS: {reason}'],
})

interface CertificateOptions {
  /** PEM file of the certificate and those between it and its authority. */
  certificate: string
  /** PEM file of the private key. */
  key: string
  /** PEM file of authorities; with it, clients must show a certificate signed by one of them. */
  clientAuthority?: string
  log: Logger
  /** How often the files are looked at, milliseconds; default 2000. */
  watchMs?: number
}

/** A certificate that listeners serve with, read again when its files change. */
export interface Certificate {
  /** For `https.createServer`: TLS 1.2 or later, and a limit on the time of a handshake. */
  serverOptions(): TlsOptions
  /** Keeps a server on the newest certificate; open connections stay open. */
  follow(server: Server): void
  /**
   * Options with which a client connects to such a server: it shows the certificate and accepts those of the authority.
   */
  clientOptions(): Pick<SecureContextOptions, 'cert' | 'key' | 'ca' | 'minVersion'>
  /** Reads the files again. On an error logs it and keeps the old certificate. */
  reload(): void
  /** Stops looking at the files. */
  close(): void
}

/** TLS to a server that is no HTTP server; its certificate and its name are always verified. */
export interface ServerTls {
  /** PEM of the authorities to accept; those of the system when absent. */
  authority: Buffer | undefined
}

const handshakeMs = 10_000

/** Reads a certificate and its key. Throws BadCertificate naming the file and the error. */
export function openCertificate(options: CertificateOptions): Certificate {
  const { log, certificate: file, watchMs = 2000 } = options
  let current = read(options)
  const servers = new Set<Server>()
  const reload = (): void => {
    try {
      const next = read(options)
      for (const server of servers) server.setSecureContext(next.context)
      current = next
      log.info({ file, validTo: next.validTo }, 'the certificate was read again')
    } catch (error) {
      log.error({ err: error, file }, 'the new certificate is not good; the old one stays in use')
    }
  }
  const files = [options.certificate, options.key, options.clientAuthority].filter((name) => name !== undefined)
  for (const name of files) watchFile(name, { interval: watchMs, persistent: false }, reload)
  return {
    serverOptions: () => ({ ...current.context, handshakeTimeout: handshakeMs }),
    follow(server) {
      servers.add(server)
      server.removeAllListeners('tlsClientError')
      server.on('tlsClientError', refuseHandshake)
      server.once('close', () => servers.delete(server))
    },
    clientOptions() {
      const { cert, key, ca, minVersion } = current.context
      return { cert, key, ca, minVersion }
    },
    reload,
    close() {
      for (const name of files) unwatchFile(name, reload)
    },
  }
}

interface Loaded {
  context: {
    cert: Buffer
    key: Buffer
    minVersion: 'TLSv1.2'
    ca?: Buffer
    requestCert?: true
    rejectUnauthorized?: true
  }
  validTo: string
}

/** Extended key usages; a certificate without that extension may serve for all (RFC 5280, 4.2.1.12). */
const usages = new Map([
  ['serverAuth', '1.3.6.1.5.5.7.3.1'],
  ['clientAuth', '1.3.6.1.5.5.7.3.2'],
])

function read({ certificate, key, clientAuthority, log }: CertificateOptions): Loaded {
  const [cert, secret] = [readPem(certificate, 'CERTIFICATE'), readPem(key, 'PRIVATE KEY')]
  const context: Loaded['context'] = { cert, key: secret, minVersion: 'TLSv1.2' }
  if (clientAuthority !== undefined)
    Object.assign(context, { ca: readAuthority(clientAuthority), requestCert: true, rejectUnauthorized: true })
  try {
    createSecureContext(context)
    const { validTo, keyUsage } = new X509Certificate(cert)
    const lacking = (clientAuthority === undefined ? ['serverAuth'] : ['serverAuth', 'clientAuth']).filter(
      (usage) => keyUsage && !keyUsage.includes(usages.get(usage)!),
    )
    if (lacking.length > 0) throw new Error(`its extended key usage lacks ${lacking.join(' and ')}`)
    if (Date.parse(validTo) < Date.now()) log.warn({ file: certificate, validTo }, 'the certificate has expired')
    return { context, validTo }
  } catch (cause) {
    const { code } = cause as { code?: string }
    const mismatch = code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' || code === 'ERR_OSSL_X509_KEY_TYPE_MISMATCH'
    const reason = mismatch ? `the key in ${key} is not that of the certificate` : (cause as Error).message
    throw certificateErrors.BadCertificate({ file: certificate, reason }, cause)
  }
}

/** The bytes of a PEM file of authorities. Throws BadCertificate naming the file. */
export function readAuthority(file: string): Buffer {
  const bytes = readPem(file, 'CERTIFICATE')
  try {
    new X509Certificate(bytes)
  } catch (cause) {
    throw certificateErrors.BadCertificate({ file, reason: (cause as Error).message }, cause)
  }
  return bytes
}

function readPem(file: string, kind: string): Buffer {
  let bytes: Buffer
  try {
    bytes = readFileSync(file)
  } catch (cause) {
    throw certificateErrors.BadCertificate({ file, reason: (cause as Error).message }, cause)
  }
  if (!bytes.includes(`${kind}-----`))
    throw certificateErrors.BadCertificate({ file, reason: `it holds no PEM block "${kind}"` })
  return bytes
}

/** A server of plain HTTP, or of HTTPS with a certificate; not listening yet. */
export function createWebServer(options: ServerOptions, certificate: Certificate | undefined): HttpServer {
  if (!certificate) return createHttp(options)
  const server = createHttps({ ...options, ...certificate.serverOptions() })
  certificate.follow(server)
  return server as unknown as HttpServer
}

const plainRefusal = 'This port speaks HTTPS only: write https:// in the URL.\n'

/** Ends a failed handshake; a client that speaks plain HTTP gets an error in plain HTTP, as nginx does. */
function refuseHandshake(error: Error & { code?: string }, socket: Socket & { _parent?: Socket }): void {
  const raw = socket._parent
  if (error.code !== 'ERR_SSL_HTTP_REQUEST' || !raw || raw.destroyed) {
    socket.destroy()
    return
  }
  const head = ['HTTP/1.1 400 Bad Request', 'Content-Type: text/plain', `Content-Length: ${plainRefusal.length}`]
  raw.on('error', () => raw.destroy())
  raw.end([...head, 'Connection: close', '', plainRefusal].join('\r\n'), () => socket.destroy())
}
