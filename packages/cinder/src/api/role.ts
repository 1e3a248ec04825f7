import { type Authenticator, openEnforcer } from '@hearth/auth'
import type { Bus } from '@hearth/bus'
import type { Context, Running } from '@hearth/core'
import type { Database } from '@hearth/database'
import type { ServiceSession } from '@hearth/driver'
import { type ApiRequest, type ListenOptions, listening, openService } from '@hearth/http'
import type { ComputeClient } from '../model/clients/compute.ts'
import { openImageClient } from '../model/clients/image.ts'
import { errors } from '../model/errors.ts'
import type { ApiDeps } from './deps.ts'
import { fault } from './faults.ts'
import { behaviours, maximumVersion, minimumVersion } from './microversions.ts'
import { policies, routes } from './routes.ts'
import { addVersionDocuments } from './versions.ts'

export interface ApiOptions extends ListenOptions {
  database: Database
  bus: Bus
  authenticator: Authenticator
  /** Path of an operator's policy.yaml. */
  policyFile?: string | null
  /** Base URL of Glance; read from the catalog of `session` when absent. */
  glanceUrl?: string
  session?: ServiceSession
  compute?: ComputeClient | null
  /** Availability zone of volumes that request none. Default `nova`. */
  availabilityZone?: string
}

/** Largest size in GiB that fits the database column. */
const maxVolumeSize = 2 ** 31 - 1

/** Starts the block storage API and returns its handle, with the URL it listens on. */
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

/** Throws MalformedUrl (400) if the path names a project other than the token's. */
function checkProject(context: Context, request: ApiRequest): void {
  const { projectId } = request.params
  const plain = (id: string | null | undefined): string => id?.replaceAll('-', '') ?? ''
  if (projectId !== undefined && plain(projectId) !== plain(context.identity?.projectId)) throw errors.MalformedUrl()
}
