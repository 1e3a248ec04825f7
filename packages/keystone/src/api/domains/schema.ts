import { tags } from '../projects/schema.ts'
import { boolean, id, nameOf, object, textOrNull, wrapped } from '../shapes.ts'

const fields = { name: nameOf(64), description: textOrNull, enabled: boolean, tags, options: object }

export const createDomain = wrapped('domain', { ...fields, explicit_domain_id: id }, ['name'])
export const updateDomain = wrapped('domain', fields)
