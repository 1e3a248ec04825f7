import { allowsAccess } from '@hearth/auth'
import { baseUrlOf, type Context, commonErrors, type Identity, noProxies, originOf, own, requestId } from '@hearth/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { behavioursAt } from './microversion.ts'
import type { ApiRequest } from './route.ts'
import { versionReader } from './router.ts'
import type { ServiceOptions } from './service-options.ts'

declare module 'fastify' {
  interface FastifyRequest {
    hearth: { context: Context; request: ApiRequest }
  }
  interface FastifyContextConfig {
    /** No token is needed. */
    public?: boolean
    /** The body stays a stream. */
    stream?: boolean
  }
}

const answerWithinMs = 60_000

/**
 * Creates the request's context. Throws Unauthorized (401) where a token is needed and none is valid, and BadRequest
 * (400) for a Host header that is no host (RFC 9112 3.2).
 */
export async function openContext<Deps>(
  request: FastifyRequest,
  reply: FastifyReply,
  options: ServiceOptions<Deps>,
): Promise<void> {
  const apiRequest = readRequest(request, options)
  const id = requestId()
  const context = newContext(id, apiRequest.version, options)
  request.hearth = { context, request: apiRequest }
  reply.header('x-openstack-request-id', id)
  if (options.microversions) {
    reply.header('vary', 'OpenStack-API-Version')
    reply.header('openstack-api-version', `${options.microversions.service} ${apiRequest.version}`)
  }
  const token = headerOf(request, 'x-auth-token')
  if (token !== undefined) await identify(context, apiRequest, token, options)
  if (request.routeOptions.config.public || request.is404) return
  if (!context.identity) throw commonErrors.Unauthorized()
}

async function identify<Deps>(
  context: Context,
  request: ApiRequest,
  token: string,
  options: ServiceOptions<Deps>,
): Promise<void> {
  context.token = token
  const serviceToken = request.headers['x-service-token']
  if (typeof serviceToken === 'string') {
    const service = await options.authenticator.authenticate(serviceToken)
    // keystonemiddleware refuses the request as a whole, not just the help of the service.
    if (!service) return
    context.serviceRoles = service.roles
  }
  // A service that passes a user's token on is no request of the user, and may have taken longer than the token lives:
  // keystonemiddleware leaves the access rules out and allows for its end.
  const chained = context.serviceRoles.includes('service')
  const identity = await options.authenticator.authenticate(token, { allowExpired: chained })
  const rules = chained ? null : (identity?.accessRules ?? null)
  const { method, url: path } = request
  const types = options.serviceTypes ?? [options.name]
  context.identity = rules === null || allowsAccess(rules, types, { method, path }) ? identity : null
}

function newContext<Deps>(id: string, version: string, options: ServiceOptions<Deps>): Context {
  let behaviours: Set<string> | undefined
  const targetOf = (identity: Identity | null) => ({ project_id: identity?.projectId, user_id: identity?.userId })
  const context: Context = {
    requestId: id,
    identity: null,
    token: null,
    serviceRoles: [],
    deadline: Date.now() + answerWithinMs,
    log: options.log.child({ service: options.name, requestId: id }),
    may: (rule, target) => options.enforcer.check(rule, target ?? targetOf(context.identity), context.identity),
    enforce(rule, target) {
      if (!context.may(rule, target)) throw commonErrors.PolicyNotAuthorized({ rule })
    },
    allows(behaviour) {
      behaviours ??= options.microversions ? behavioursAt(version, options.microversions) : new Set()
      return behaviours.has(behaviour)
    },
  }
  return context
}

const readers = new WeakMap<object, ReturnType<typeof versionReader>>()

function readRequest<Deps>(request: FastifyRequest, options: ServiceOptions<Deps>): ApiRequest {
  const gone = new AbortController()
  request.raw.once('close', () => {
    if (!request.raw.complete) gone.abort()
  })
  const origin = originOf(request.raw, options.proxies ?? noProxies)
  const calledUrl = baseUrlOf(origin)
  if (calledUrl === null) throw commonErrors.BadRequest({ reason: 'The Host header is no valid host.' })
  return {
    params: request.params as Record<string, string>,
    query: request.query as ApiRequest['query'],
    body: undefined,
    headers: request.headers,
    stream: request.raw,
    baseUrl: options.publicUrl ?? calledUrl,
    clientAddress: origin.address,
    url: request.url,
    method: request.method,
    version: versionOf(request, options),
    aborted: gone.signal,
  }
}

function versionOf<Deps>(request: FastifyRequest, options: ServiceOptions<Deps>): string {
  const versions = options.microversions
  if (!versions) return ''
  let read = readers.get(versions)
  if (!read) {
    read = versionReader(versions)
    readers.set(versions, read)
  }
  return read(headerOf(request, 'openstack-api-version')) ?? versions.min
}

function headerOf(request: FastifyRequest, name: string): string | undefined {
  const value = own(request.headers, name)
  return Array.isArray(value) ? value[0] : value
}
