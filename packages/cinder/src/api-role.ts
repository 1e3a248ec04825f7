import { type Authenticator, openEnforcer } from '@hearth/auth'
import type { Bus } from '@hearth/bus'
import type { Context, Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ServiceSession } from '@hearth/driver'
import { type ApiRequest, type ListenOptions, listening, openService } from '@hearth/http'
import type { ComputeClient } from './clients/compute.ts'
import { openImageClient } from './clients/image.ts'
import type { ApiDeps } from './deps.ts'
import { errors } from './errors.ts'
import { fault } from './faults.ts'
import { behaviours, maximumVersion, minimumVersion } from './microversions.ts'
import { policies, routes } from './routes.ts'
import { addVersionDocuments } from './versions.ts'

export interface ApiOptions extends ListenOptions {
  database: Database
  bus: Bus
  authenticator: Authenticator
  /** An operator's policy.yaml. */
  policyFile?: string | null
  /** Glance's base URL; from the catalog of `session` when absent. */
  glanceUrl?: string
  session?: ServiceSession
  compute?: ComputeClient | null
  /** Zone of volumes that name none. Default `nova`. */
  availabilityZone?: string
}

/** GiB; more does not fit the column. */
const maxVolumeSize = 2 ** 31 - 1

/** Starts the block storage API. */
export async function startApi(options: ApiOptions): Promise<Running> {
  const { database, bus, log, session } = options
  const glance = async (): Promise<string> => {
    const url = options.glanceUrl ?? (await session?.endpoint('image'))
    if (url === undefined) throw errors.ImageUnavailable({ reason: 'no image service is configured' })
    return url
  }
  const deps: ApiDeps = {
    ...{ database, bus, log, maxVolumeSize },
    images: openImageClient(glance),
    compute: options.compute ?? null,
    defaultZone: options.availabilityZone ?? 'nova',
  }
  return openService<ApiDeps>({
    name: 'cinder',
    serviceTypes: ['block-storage', 'volumev3'],
    ...listening(options),
    routes,
    prefixes: ['/v3', '/v3/:projectId(^[0-9a-f-]+$)'],
    deps,
    authenticator: options.authenticator,
    enforcer: openEnforcer({ defaults: policies, file: options.policyFile ?? null }),
    faults: fault,
    microversions: { service: 'volume', min: minimumVersion, max: maximumVersion, behaviours },
    before: checkProject,
    configure: addVersionDocuments,
  })
}

/** A project in the path must be the token's. Throws MalformedUrl (400). */
function checkProject(context: Context, request: ApiRequest): void {
  const { projectId } = request.params
  const plain = (id: string | null | undefined): string => id?.replaceAll('-', '') ?? ''
  if (projectId !== undefined && plain(projectId) !== plain(context.identity?.projectId)) throw errors.MalformedUrl()
}
