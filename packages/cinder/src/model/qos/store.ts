import { setOwn } from '@hearth/core'
import { insertIfAbsent, type Query, type Transaction } from '@hearth/database'
import { errors } from '../errors.ts'

/** Limits on reads and writes that types carry: for the compute host, the storage backend, or both. */
export interface QosSpecs {
  id: string
  name: string
  consumer: string
  specs: Record<string, string>
}

export type QosRow = Pick<QosSpecs, 'id' | 'name' | 'consumer'>

/** Throws QoSSpecsNotFound (404). */
export async function getQosSpecs(q: Query, id: string): Promise<QosSpecs> {
  const [found] = await joinValues(q, await q('qos_specs').where({ id }))
  if (!found) throw errors.QoSSpecsNotFound({ specs_id: id })
  return found
}

/** Throws QoSSpecsExists (409). */
export async function insertQosSpecs(tx: Transaction, { id, name, consumer, specs }: QosSpecs): Promise<void> {
  if (!(await insertIfAbsent(tx, 'qos_specs', { id, name, consumer, created_at: Date.now() }))) {
    throw errors.QoSSpecsExists({ specs_id: name })
  }
  await writeQosValues(tx, id, specs)
}

/** Sets the consumer of QoS specs: `front-end`, `back-end` or `both`. */
export async function setConsumer(tx: Transaction, id: string, consumer: string): Promise<void> {
  await tx('qos_specs').where({ id }).update({ consumer })
}

/** Sets the given keys, leaving the others. */
export async function writeQosValues(tx: Transaction, id: string, specs: Record<string, string>): Promise<void> {
  for (const [spec_key, spec_value] of Object.entries(specs)) {
    const row = { qos_specs_id: id, spec_key, spec_value }
    await tx('qos_spec_values').insert(row).onConflict(['qos_specs_id', 'spec_key']).merge(['spec_value'])
  }
}

/** True if there was such a key. */
export async function deleteQosValue(tx: Transaction, id: string, key: string): Promise<boolean> {
  return (await tx('qos_spec_values').where({ qos_specs_id: id, spec_key: key }).delete()) > 0
}

/** Deletes QoS specs with their keys and removes them from volume types. */
export async function deleteQosSpecs(tx: Transaction, id: string): Promise<void> {
  await tx('volume_types').where({ qos_specs_id: id }).update({ qos_specs_id: null })
  await tx('qos_spec_values').where({ qos_specs_id: id }).delete()
  await tx('qos_specs').where({ id }).delete()
}

/** The volume types that carry these specs. */
export async function typesOf(q: Query, id: string): Promise<{ id: string; name: string }[]> {
  return q('volume_types').where({ qos_specs_id: id }).orderBy('name').select('id', 'name')
}

/** Gives a type these specs, or none. */
export async function setTypeQos(tx: Transaction, typeId: string, id: string | null): Promise<void> {
  await tx('volume_types').where({ id: typeId }).update({ qos_specs_id: id, updated_at: Date.now() })
}

/** Takes the specs from all types. */
export async function clearTypeQos(tx: Transaction, id: string): Promise<void> {
  await tx('volume_types').where({ qos_specs_id: id }).update({ qos_specs_id: null, updated_at: Date.now() })
}

/** Rows with their values, in the order of the rows. */
export async function joinValues(q: Query, rows: readonly QosRow[]): Promise<QosSpecs[]> {
  const found = new Map<string, QosSpecs>()
  for (const { id, name, consumer } of rows) found.set(id, { id, name, consumer, specs: {} })
  const values = await q('qos_spec_values').whereIn('qos_specs_id', [...found.keys()])
  for (const { qos_specs_id, spec_key, spec_value } of values)
    setOwn(found.get(qos_specs_id)!.specs, spec_key, spec_value)
  return [...found.values()]
}
