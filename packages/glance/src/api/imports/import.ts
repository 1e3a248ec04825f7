import { type Context, isUuid, own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'
import { stagingStore } from '../../data/staging.ts'
import { chooseStore, type StoreEntry } from '../../data/stores.ts'
import { mayFetch } from '../../data/uri-filter.ts'
import type { ImportJob } from '../../imports/jobs.ts'
import type { RemoteImage } from '../../imports/remote-image.ts'
import { glanceErrors } from '../../model/errors.ts'
import { openImage } from '../../model/images/access.ts'
import type { Image } from '../../model/images/image.ts'
import { moveImage, writeProperty } from '../../model/images/store.ts'
import { findTask, insertTask } from '../../model/tasks/store.ts'
import type { ApiDeps } from '../deps.ts'
import { checkStorageQuota, headerOf, requireFormats } from '../images/upload.ts'

/** Body of POST …/import. */
interface ImportBody {
  method: {
    name: string
    uri?: string
    glance_image_id?: string
    glance_region?: string
    glance_service_interface?: string
  }
  stores?: string[]
  all_stores?: boolean
  all_stores_must_succeed?: boolean
}

const bad = (reason: string) => glanceErrors.BadRequest({ reason })
const lockMs = 3600 * 1000
const wantedStatus: Record<string, string> = {
  'glance-direct': 'uploading',
  'web-download': 'queued',
  'glance-download': 'queued',
  'copy-image': 'active',
}

/**
 * POST /v2/images/{id}/import. Checks everything that can be checked now, takes the image's import lock, and leaves the
 * work to a task; 202.
 */
export async function importImage(context: Context, request: ApiRequest, deps: ApiDeps): Promise<undefined> {
  const body = request.body as ImportBody
  checkBody(body, deps)
  const { query } = deps.database
  const id = request.params.image_id!
  const isCopy = body.method.name === 'copy-image'
  const image = await openImage(context, id, isCopy ? 'get_image' : 'modify_image', 'import data to', query)
  if (isCopy && image.owner !== context.identity?.projectId) context.enforce('copy_image')
  checkStatus(image, body.method.name)
  const targets = chooseTargets(image, body, request, deps)
  if (!isCopy) await checkStorageQuota(image.owner, 0, deps)
  const job = await accept(context, image, body, targets, deps)
  deps.imports.start(job)
}

function checkBody(body: ImportBody, deps: ApiDeps): void {
  const { name, uri } = body.method
  if (!deps.importMethods.includes(name)) throw bad(`Unknown import method name '${name}'.`)
  if (name === 'web-download') {
    if (!uri) throw bad("'uri' is required for the web-download import method.")
    if (!mayFetch(uri, deps.settings.uriFilter)) throw bad('URI for web-download does not pass filtering')
  }
  if (name === 'glance-download') checkRemote(body)
  if (body.all_stores && body.stores) throw bad('Only one of all_stores and stores may be given.')
}

function checkRemote({ method }: ImportBody): void {
  if (!method.glance_region) throw bad("'glance_region' is required for the glance-download import method.")
  if (!method.glance_image_id) throw bad("'glance_image_id' is required for the glance-download import method.")
  if (!isUuid(method.glance_image_id)) throw bad('Remote image id does not look like a UUID')
}

function remoteOf(context: Context, { method }: ImportBody): RemoteImage | null {
  if (method.name !== 'glance-download') return null
  return {
    imageId: method.glance_image_id!,
    region: method.glance_region!,
    interface: method.glance_service_interface ?? 'public',
    token: context.token ?? '',
  }
}

function checkStatus(image: Image, method: string): void {
  const wanted = own(wantedStatus, method)
  if (image.status !== wanted) {
    throw glanceErrors.Conflict({
      reason: `Image needs to be in status '${wanted}' to use ${method} import, it is '${image.status}'`,
    })
  }
  if (!['copy-image', 'glance-download'].includes(method)) requireFormats(image)
}

function chooseTargets(image: Image, body: ImportBody, request: ApiRequest, deps: ApiDeps): StoreEntry[] {
  const header = headerOf(request, 'x-image-meta-store')
  if (header !== undefined && (body.stores || body.all_stores)) throw bad('Stores are given twice: in header and body.')
  const writable = deps.stores.all.filter((entry) => !entry.readOnly)
  const wanted = body.all_stores
    ? [...writable].sort((a, b) => (a.id < b.id ? -1 : 1))
    : (body.stores ?? [header]).map((id) => chooseStore(deps.stores, id))
  if (body.method.name !== 'copy-image') return [...new Set(wanted)]
  const has = new Set(image.locations.map((location) => location.store))
  const missing = wanted.filter((entry) => !has.has(entry.id))
  const doubled = wanted.find((entry) => has.has(entry.id))
  if (!body.all_stores && doubled) throw bad(`Image is already present in store ${doubled.id}.`)
  return missing
}

/** Takes the lock, makes the task, moves the image to importing: together or not at all. */
async function accept(
  context: Context,
  image: Image,
  body: ImportBody,
  targets: StoreEntry[],
  deps: ApiDeps,
): Promise<ImportJob> {
  const method = body.method.name
  const taskId = await deps.database.transaction(async (tx) => {
    const held = image.properties.get('os_glance_import_task')
    const holder = held === undefined ? null : await findTask(tx, held)
    const fresh = holder !== null && holder.createdAt > Date.now() - lockMs
    if (fresh && ['pending', 'processing'].includes(holder.status)) {
      throw glanceErrors.Conflict({ reason: 'Image has active task' })
    }
    const { userId = null, projectId = null } = context.identity ?? {}
    const input = { image_id: image.id, import_req: body, backend: targets.map((entry) => entry.id) }
    const task = { type: 'api_image_import', owner: projectId, userId, imageId: image.id, input, worker: deps.worker }
    const id = await insertTask(tx, { ...task, requestId: context.requestId })
    const worker = { name: deps.worker, store: [...targets.map((entry) => entry.id), stagingStore].join(',') }
    const moved =
      method === 'copy-image' || (await moveImage(tx, image.id, 'importing', { from: image.status, worker }))
    if (!moved) throw glanceErrors.StatusConflict({ from: image.status, to: 'importing' })
    await writeProperty(tx, image.id, 'os_glance_import_task', id)
    await writeProperty(tx, image.id, 'os_glance_importing_to_stores', targets.map((entry) => entry.id).join(','))
    await writeProperty(tx, image.id, 'os_glance_failed_import', '')
    return id
  })
  const allMustSucceed = body.all_stores_must_succeed ?? true
  const uri = method === 'web-download' ? (body.method.uri ?? null) : null
  return { taskId, image, method, uri, remote: remoteOf(context, body), targets, allMustSucceed }
}
