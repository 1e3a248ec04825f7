import { type Context, uuid } from '@hearth/core'
import type { Database } from '@hearth/database'
import { type ApiRequest, queryValue } from '@hearth/http'
import { errors } from '../../model/errors.ts'
import {
  deleteQosSpecs,
  deleteQosValue,
  getQosSpecs,
  insertQosSpecs,
  joinValues,
  type QosRow,
  type QosSpecs,
  setConsumer,
  typesOf,
  writeQosValues,
} from '../../model/qos/store.ts'
import { itemLinks } from '../links.ts'
import { isTrue, pageEnds, pageRows, readPaging } from '../listing.ts'

type Deps = { database: Database }

const view = (request: ApiRequest, qos: QosSpecs) => ({
  qos_specs: qos,
  links: itemLinks(request, 'qos-specs', qos.id),
})

const texts = (specs: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(specs).map(([key, value]) => [key, String(value)]))

const sortKeys = { id: 'id', name: 'name', created_at: 'created_at', consumer: 'consumer' }

/** GET /qos-specs, by limit, marker, offset and sort. */
export async function listQos(context: Context, request: ApiRequest, deps: Deps) {
  const q = deps.database.query
  const paging = readPaging(context, request, sortKeys)
  const page = await pageRows<QosRow>(q, 'qos_specs', q('qos_specs'), paging)
  return { qos_specs: await joinValues(q, page.rows), ...pageEnds(request, page, paging, 'qos_specs_links') }
}

/** GET /qos-specs/{id}. */
export async function showQos(_context: Context, request: ApiRequest, deps: Deps) {
  return view(request, await getQosSpecs(deps.database.query, request.params.id!))
}

/** POST /qos-specs. Throws QoSSpecsExists (409). */
export async function createQos(_context: Context, request: ApiRequest, deps: Deps) {
  const body = (request.body as { qos_specs: Record<string, unknown> }).qos_specs
  const { name, consumer, ...specs } = texts(body)
  const qos = { id: uuid(), name: name!.trim(), consumer: consumer ?? 'back-end', specs }
  if (qos.name === '') throw errors.InvalidInput({ reason: 'The name of QoS specs can not be empty' })
  await deps.database.transaction((tx) => insertQosSpecs(tx, qos))
  return view(request, qos)
}

/** PUT /qos-specs/{id}: sets keys and echoes the body. */
export async function updateQos(_context: Context, request: ApiRequest, deps: Deps) {
  const body = (request.body as { qos_specs: Record<string, unknown> }).qos_specs
  const { consumer, ...specs } = texts(body)
  await deps.database.transaction(async (tx) => {
    const { id } = await getQosSpecs(tx, request.params.id!)
    if (consumer !== undefined) await setConsumer(tx, id, consumer)
    await writeQosValues(tx, id, specs)
  })
  return { qos_specs: body }
}

/** PUT /qos-specs/{id}/delete_keys. Throws QoSSpecsKeyNotFound (404) and removes none when one is missing. */
export async function deleteQosKeys(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const { keys } = request.body as { keys: string[] }
  await deps.database.transaction(async (tx) => {
    const { id } = await getQosSpecs(tx, request.params.id!)
    for (const key of keys) {
      if (!(await deleteQosValue(tx, id, key))) throw errors.QoSSpecsKeyNotFound({ specs_id: id, specs_key: key })
    }
  })
}

/** DELETE /qos-specs/{id}: refused (400) while a type carries them, unless forced. */
export async function deleteQos(_context: Context, request: ApiRequest, deps: Deps): Promise<void> {
  const force = isTrue(queryValue(request.query, 'force'))
  await deps.database.transaction(async (tx) => {
    const { id } = await getQosSpecs(tx, request.params.id!)
    if (!force && (await typesOf(tx, id)).length > 0) throw errors.QoSSpecsInUse({ specs_id: id })
    await deleteQosSpecs(tx, id)
  })
}
