import { Ajv, type ValidateFunction } from 'ajv'
import type { Topic } from './topic.ts'

const ajv = new Ajv({ strict: false, validateFormats: false })
const validators = new WeakMap<object, ValidateFunction>()

/** Throws a plain Error (a bug, not a client's fault) when the payload breaks the topic's schema. */
export function checkPayload(topic: Topic, payload: unknown): void {
  let validate = validators.get(topic.payload)
  if (!validate) {
    validate = ajv.compile(topic.payload)
    validators.set(topic.payload, validate)
  }
  if (validate(payload)) return
  throw new Error(`payload of ${topic.name}: ${ajv.errorsText(validate.errors, { dataVar: 'payload' })}`)
}

/** Throws when a topic is used as another kind than it is. */
export function checkKind(topic: Topic, kind: Topic['kind']): void {
  if (topic.kind !== kind) throw new Error(`${topic.name} is a ${topic.kind} topic, not a ${kind}`)
}
