import { type Context, commonErrors } from '@hearth/core'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { parseJsonBody } from './body.ts'
import { type Band, bandsOf, inBand, type Microversions, shapeAt } from './microversion.ts'
import { replyPruner } from './prune.ts'
import { type ApiRequest, type Method, Reply, type Route } from './route.ts'
import { bandKey } from './router.ts'
import type { ServiceOptions } from './service-options.ts'
import { bodyValidator, requestErrors } from './validation.ts'

/** One route of the router: a row at one band, or all actions of one path. */
interface Endpoint {
  routeOptions: RouteOptions
  methods: Method[]
  /** Matches the paths of this endpoint, for telling 405 from 404. */
  pattern: RegExp
}

/** A row as it is in one band. */
interface Shaped<Deps> {
  row: Route<Deps>
  band: Band | null
  validate?: (body: unknown) => void
  prune?: (body: unknown) => unknown
}

/** All endpoints of a service's rows, under each of its prefixes. */
export function endpointsOf<Deps>(options: ServiceOptions<Deps>): Endpoint[] {
  const actions = new Map<string, Route<Deps>[]>()
  const endpoints: Endpoint[] = []
  for (const row of options.routes) {
    if (row.action !== undefined) {
      const key = `${row.method} ${row.path}`
      actions.set(key, [...(actions.get(key) ?? []), row])
      continue
    }
    for (const shaped of shapesOf(row, options.microversions)) endpoints.push(...place(row, [shaped], options))
  }
  for (const rows of actions.values()) {
    const shapes = rows.flatMap((row) => shapesOf(row, options.microversions))
    const whole = options.microversions ? { from: options.microversions.min, to: null } : null
    endpoints.push(...place(rows[0]!, shapes, options, whole))
  }
  return endpoints
}

function shapesOf<Deps>(row: Route<Deps>, versions: Microversions | undefined): Shaped<Deps>[] {
  if (!versions) return [shapeRow(row, null)]
  return bandsOf(row as Route<never>, versions).map((band) => shapeRow(row, band))
}

function shapeRow<Deps>(row: Route<Deps>, band: Band | null): Shaped<Deps> {
  const at = (schema: NonNullable<Route['body']>) => (band ? shapeAt(schema, band.from) : schema)
  return {
    row,
    band,
    validate: row.body && bodyValidator(at(row.body)),
    prune: row.reply && replyPruner(at(row.reply)),
  }
}

function place<Deps>(
  row: Route<Deps>,
  shapes: Shaped<Deps>[],
  options: ServiceOptions<Deps>,
  band: Band | null = shapes[0]!.band,
): Endpoint[] {
  const methods = [row.method].flat() as Method[]
  const isAction = row.action !== undefined
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { context, request: apiRequest } = request.hearth
    const body = row.stream ? undefined : parseJsonBody(request.body, request.headers['content-type'])
    const shaped = isAction ? chooseAction(shapes, body, apiRequest.version) : shapes[0]!
    return answer(
      shaped,
      context,
      { ...apiRequest, body, params: request.params as Record<string, string> },
      reply,
      options,
    )
  }
  return options.prefixes.map((prefix) => ({
    methods,
    pattern: pathPattern(prefix + row.path),
    routeOptions: {
      method: methods,
      url: prefix + row.path || '/',
      handler,
      config: { public: row.policy === null, stream: row.stream ?? false },
      ...(band ? { constraints: { microversion: bandKey(band) } } : {}),
    },
  }))
}

function chooseAction<Deps>(shapes: Shaped<Deps>[], body: unknown, version: string): Shaped<Deps> {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
  const action = isObject ? Object.keys(body)[0] : undefined
  if (action === undefined) throw requestErrors.MissingBody()
  const named = shapes.filter(({ row }) => row.action === action)
  if (named.length === 0) throw requestErrors.NoSuchAction({ action })
  const shaped = named.find(({ band }) => band === null || inBand(version, band))
  if (!shaped) throw commonErrors.NotFound()
  return shaped
}

async function answer<Deps>(
  shaped: Shaped<Deps>,
  context: Context,
  request: ApiRequest,
  reply: FastifyReply,
  options: ServiceOptions<Deps>,
): Promise<unknown> {
  const { row, validate, prune } = shaped
  options.before?.(context, request)
  if (row.policy !== null) context.enforce(row.policy)
  if (validate && request.body === undefined) throw requestErrors.MissingBody()
  validate?.(request.body)
  const result = await row.operation(context, request, options.deps)
  const { status, body, headers } = result instanceof Reply ? result : new Reply(row.status, result)
  reply.code(status).headers(headers)
  if (body === undefined) return reply.send()
  const isRaw =
    typeof body === 'string' || Buffer.isBuffer(body) || typeof (body as { pipe?: unknown })?.pipe === 'function'
  if (isRaw) return reply.send(body)
  if (!reply.hasHeader('content-type')) reply.header('content-type', 'application/json')
  return reply.send(JSON.stringify(prune ? prune(body) : body))
}

function pathPattern(path: string): RegExp {
  const source = path
    .replace(/:(\w+)(\([^/]*\))?/g, '\u0000')
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('\u0000', '[^/]+')
  return new RegExp(`^${source}/?$`)
}
