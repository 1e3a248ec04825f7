import { loginThrottle, securityCompliance } from './identity-schema.ts'

const port = (fallback: number) => ({ type: 'integer', minimum: 0, maximum: 65535, default: fallback })
const text = (fallback?: string) => ({
  type: 'string',
  minLength: 1,
  ...(fallback === undefined ? {} : { default: fallback }),
})
const optional = { type: ['string', 'null'], default: null }
const positive = (fallback: number) => ({ type: 'integer', minimum: 1, default: fallback })
const section = (properties: Record<string, object>) => ({
  type: 'object',
  additionalProperties: false,
  default: {},
  properties,
})

const ownTls = {
  description: 'PEM files of the certificate and its key for this listener alone; default: those of tls',
  type: ['object', 'null'],
  default: null,
  additionalProperties: false,
  required: ['certificate', 'key'],
  properties: { certificate: text(), key: text() },
}
const authorityFile = {
  description: 'PEM file of the authorities whose certificates are accepted from the server; default: tls.authority',
  ...optional,
}
const serverTls = (keys: object) => ({ type: ['object', 'null'], default: null, additionalProperties: false, ...keys })

const listener = (fallback: number) => ({
  port: port(fallback),
  publicUrl: optional,
  policyFile: optional,
  tls: ownTls,
})

const plugin = {
  type: 'object',
  additionalProperties: false,
  required: ['driver'],
  // A driver's options may hold passwords; the driver says which.
  properties: { driver: text(), options: { type: 'object', default: {}, writeOnly: true } },
}

const backend = {
  type: 'object',
  additionalProperties: false,
  required: ['driver'],
  properties: {
    ...plugin.properties,
    export: { ...plugin, type: ['object', 'null'], default: null },
    exclusive: { type: 'boolean', default: false },
    reportDiscard: { type: 'boolean', default: false },
    ssh: { type: ['array', 'null'], items: text(), minItems: 1, default: null },
  },
}

const foreignIdentity = {
  type: ['object', 'null'],
  default: null,
  additionalProperties: false,
  required: ['authUrl', 'password'],
  properties: {
    authUrl: text(),
    username: text('hearth'),
    password: { ...text(), writeOnly: true },
    projectName: text('service'),
    userDomainName: text('Default'),
    projectDomainName: text('Default'),
  },
}

const texts = { type: 'array', items: { type: 'string' } }
const ports = { type: 'array', items: { type: 'integer', minimum: 1, maximum: 65535 } }

/** Limits of the image service; absent keys have Glance's defaults. */
const imageLimits = section({
  imageSizeCap: { type: 'integer', minimum: 1 },
  userStorageQuota: { type: 'integer', minimum: 0 },
  imagePropertyQuota: { type: 'integer', minimum: -1 },
  imageTagQuota: { type: 'integer', minimum: -1 },
  imageMemberQuota: { type: 'integer', minimum: -1 },
  imageLocationQuota: { type: 'integer', minimum: -1 },
  showImageDirectUrl: { type: 'boolean' },
  showMultipleLocations: { type: 'boolean' },
  webLocations: { type: 'boolean' },
  requireImageFormatMatch: { type: 'boolean' },
  vmdkAllowedTypes: texts,
  imageCache: { type: 'boolean' },
  imageCacheMaxSize: { type: 'integer', minimum: 1 },
  enabledImportMethods: texts,
  uriFilter: section({
    allowedSchemes: texts,
    disallowedSchemes: texts,
    allowedHosts: texts,
    disallowedHosts: texts,
    allowedPorts: ports,
    disallowedPorts: ports,
    allowedNetworks: {
      ...texts,
      description:
        'Loopback, private and link-local networks that web-download may still fetch from, such as 10.1.0.0/16',
    },
  }),
})

/** The whole of hearth.yaml. Defaults run everything on one machine. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    dataFolder: text('./data'),
    host: text('127.0.0.1'),
    hostName: optional,
    region: text('RegionOne'),
    database: {
      ...text('sqlite:'),
      writeOnly: true,
      description: 'sqlite: (files in the data folder), mysql://user:password@host:port/name or postgres://…',
    },
    bus: {
      ...text('memory:'),
      writeOnly: true,
      description: 'memory: (all roles in one process) or amqp://user:password@host:5672/vhost?heartbeat=20 (RabbitMQ)',
    },
    databaseTls: serverTls({
      description: 'If set, connections to the database server use TLS, and its certificate and name are verified',
      properties: { authority: authorityFile },
    }),
    busTls: serverTls({
      description: 'How the certificate of the broker of an amqps:// URL is verified',
      properties: { authority: authorityFile },
    }),
    tls: section({
      certificate: {
        description:
          'PEM file of the certificate of this host; if set, every API and the storage plane serve HTTPS only',
        ...optional,
      },
      key: { description: 'PEM file of the key of that certificate', ...optional },
      authority: {
        description:
          'PEM file of authorities trusted in addition to those of the system; storage hosts verify each other with it',
        ...optional,
      },
    }),
    trustedProxies: {
      description: 'IP addresses and networks of proxies whose headers about the client are trusted',
      type: 'array',
      items: text(),
      default: [],
    },
    proxyHeaders: {
      description:
        'Headers that those proxies set: X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239); others are never read',
      type: 'string',
      enum: ['x-forwarded', 'forwarded'],
      default: 'x-forwarded',
    },
    metrics: section({
      address: {
        description:
          'Host and port where this process serves its metrics without authentication; null: each API serves them at /metrics to clients that send the token `metrics` of secrets.json',
        type: ['string', 'null'],
        pattern: '^.+:[0-9]+$',
        default: null,
      },
    }),
    stopSeconds: {
      ...positive(30),
      maximum: 3600,
      description: 'seconds a stop may take to finish running work; unfinished work continues at the next start',
    },
    reserve: section({
      mib: {
        description:
          'MiB kept free on each disk for databases and logs: uploads, images and volumes that would use this space are refused. The smaller of mib and percent applies',
        type: 'integer',
        minimum: 0,
        default: 256,
      },
      percent: { description: 'The same in percent of the disk', type: 'number', minimum: 0, maximum: 50, default: 2 },
    }),
    http: section({
      headerSeconds: { description: 'Seconds until the headers of a request must be complete', ...positive(30) },
      bodySeconds: { description: 'Seconds until a JSON body must be complete', ...positive(60) },
      idleSeconds: {
        description:
          'Seconds within which a streamed body must bring 64 KiB, and a client must read a part of its response',
        ...positive(60),
      },
      keepAliveSeconds: { description: 'Seconds that a connection stays open between two requests', ...positive(75) },
      maxConnections: { description: 'Connections to each API; further ones are closed', ...positive(4096) },
      maxHeaderBytes: { description: 'All headers of a request together', ...positive(16_384) },
      maxUrlBytes: { description: 'Path and query of a request', ...positive(8192) },
    }),
    log: section({
      level: {
        type: 'string',
        enum: ['trace', 'debug', 'info', 'warn', 'error'],
        default: 'info',
        description: 'lowest severity that is written',
      },
      file: {
        ...optional,
        description: 'path, or stdout; default: log/hearth.log in the data folder. SIGHUP reopens the file',
      },
      maxMiB: {
        type: 'integer',
        minimum: 0,
        default: 100,
        description: 'a larger file is renamed to FILE.1 and a new one started; 0 leaves rotation to logrotate',
      },
      keep: { ...positive(5), maximum: 1000, description: 'number of renamed files that are kept' },
    }),
    identity: section({
      ...listener(5000),
      tokenSeconds: { ...positive(3600), description: 'Lifetime of a token, seconds' },
      revocationLagSeconds: {
        ...positive(60),
        minimum: 5,
        description:
          'Seconds that a service accepts tokens without an update of the revoked ones; then it responds with 503 until the identity service (or its database) is back',
      },
      securityCompliance,
      loginThrottle,
      foreign: foreignIdentity,
    }),
    volume: section({
      ...listener(8776),
      availabilityZone: text('nova'),
      sizeGiB: { type: ['integer', 'null'], minimum: 1, default: null },
      portals: {
        type: 'array',
        items: { type: 'string', pattern: '^.+:[0-9]+$' },
        minItems: 1,
        default: ['127.0.0.1:3260'],
      },
      backends: { type: ['object', 'null'], default: null, additionalProperties: backend, minProperties: 1 },
      backup: { ...plugin, type: ['object', 'null'], default: null },
    }),
    image: section({
      ...listener(9292),
      stores: { type: ['object', 'null'], default: null, additionalProperties: plugin, minProperties: 1 },
      defaultStore: optional,
      limits: imageLimits,
    }),
    connectors: { type: 'object', default: {}, additionalProperties: plugin },
    object: section({
      port: port(8080),
      publicUrl: optional,
      tls: ownTls,
      clientTimeoutSeconds: {
        ...positive(60),
        description: "seconds a client may pause while it sends or reads, as Swift's client_timeout",
      },
      minimumUploadRate: {
        type: 'integer',
        minimum: 0,
        default: 1024,
        description: 'bytes per second; a slower upload ends with 408, 0 for no minimum',
      },
      replicas: positive(3),
      rings: optional,
      storageTls: ownTls,
      storageAddress: { ...text('127.0.0.1:6200'), pattern: '^.+:[0-9]+$' },
      partitionPower: { type: 'integer', minimum: 1, maximum: 24, default: 8 },
      devices: {
        type: ['array', 'null'],
        default: null,
        minItems: 1,
        items: {
          type: 'object',
          additionalProperties: false,
          required: ['path'],
          properties: {
            path: text(),
            zone: positive(1),
            weight: { type: 'number', exclusiveMinimum: 0, default: 100 },
          },
        },
      },
      audit: section({
        bytesPerSecond: {
          ...positive(20 * 1024 * 1024),
          description: 'bytes per second read on each device to find damaged bodies',
        },
        intervalHours: { ...positive(6), description: 'hours from the end of one audit to the next' },
        firstAfterSeconds: {
          type: 'integer',
          minimum: 0,
          default: 60,
          description: 'seconds from the start to the first audit, which continues where the last one stopped',
        },
      }),
    }),
  },
}
