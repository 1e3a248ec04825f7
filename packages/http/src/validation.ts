import { errorTable } from '@hearth/core'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Schema } from './route.ts'

export const requestErrors = errorTable({
  SchemaViolation: [400, 'Invalid input for field/attribute {field}. Value: {value}. {reason}'],
  MalformedJson: [400, 'Malformed request body'],
  UnsupportedContentType: [400, 'Unsupported Content-Type'],
  NoSuchAction: [400, 'There is no such action: {action}'],
  PortInUse: [
    500,
    '{service} cannot listen on {host}:{port}: the port is in use. Stop what uses it or configure another.',
  ],
  UrlTooLong: [414, 'The URL is longer than {max} characters.'],
  TooManyHeaders: [431, 'The request has more than {max} headers.'],
  HeadersTooLarge: [431, 'The headers of the request are too large.'],
  HoldsNul: [400, 'Text must not hold null characters.'],
  NoUnicode: [400, 'Text must be valid Unicode: it holds half of a surrogate pair.'],
  MissingBody: [400, 'Missing required element in the request body.'],
  VersionMalformed: [400, "API Version String '{version}' is of invalid format. Must be of format MajorNum.MinorNum."],
  VersionOutOfRange: [406, 'Version {version} is not supported by the API. Minimum is {min} and maximum is {max}.'],
})

// Unknown fields must be refused, and "3" is not 3: fastify's own defaults drop fields and coerce values.
const ajv = new Ajv({
  allErrors: false,
  removeAdditional: false,
  coerceTypes: false,
  useDefaults: false,
  strict: false,
  verbose: true,
})
ajv.addFormat('uuid', /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i)
ajv.addFormat('uri', (text: string) => URL.canParse(text))
ajv.addFormat('date-time', (text: string) => !Number.isNaN(Date.parse(text)))

/**
 * Returns a function that throws SchemaViolation (400) naming the field and the broken rule. It is compiled at its
 * first use, so that unused rows do not slow down the start.
 */
export function bodyValidator(schema: Schema): (body: unknown) => void {
  let validate: ValidateFunction | undefined
  return (body) => {
    validate ??= ajv.compile(schema)
    if (validate(body)) return
    const error = validate.errors![0]!
    throw requestErrors.SchemaViolation({
      field: fieldOf(error),
      value: valueText(error.data),
      reason: reasonOf(error),
      path: error.instancePath,
      keyword: error.keyword,
    })
  }
}

function fieldOf(error: ErrorObject): string {
  return error.instancePath.split('/').at(-1) || 'body'
}

/** As Python's jsonschema prints it, which is what clients of the real services read. */
function reasonOf(error: ErrorObject): string {
  const value = valueText(error.data, true)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      return `'${params.missingProperty}' is a required property`
    case 'additionalProperties':
      return `Additional properties are not allowed ('${params.additionalProperty}' was unexpected)`
    case 'type':
      return `${value} is not of type ${typesText(params.type)}`
    case 'maxLength':
      return `${value} is too long`
    case 'minLength':
      return `${value} is too short`
    case 'minimum':
      return `${value} is less than the minimum of ${params.limit}`
    case 'maximum':
      return `${value} is greater than the maximum of ${params.limit}`
    case 'enum':
      return `${value} is not one of ${valueText(params.allowedValues)}`
    case 'pattern':
      return `${value} does not match '${params.pattern}'`
    case 'format':
      return `${value} is not a '${params.format}'`
    case 'minProperties':
      return `${value} does not have enough properties`
    case 'maxProperties':
      return `${value} has too many properties`
    case 'minItems':
      return `${value} is too short`
    case 'maxItems':
      return `${value} is too long`
    case 'uniqueItems':
      return `${value} has non-unique elements`
    default:
      return `${value} ${error.message}`
  }
}

function typesText(types: unknown): string {
  return (Array.isArray(types) ? types : String(types).split(',')).map((type) => `'${type}'`).join(', ')
}

/** Characters after which a value that is shown in a message is cut. */
const longestText = 4096

/** Returns a value as Python's repr shows it, for messages that clients may parse; cuts the middle of a huge value. */
function valueText(value: unknown, quoted = false): string {
  const text = reprOf(value, quoted, { left: longestText })
  return text.length > longestText ? `${text.slice(0, longestText)}...` : text
}

/** `room` also bounds the work: once it is used up, further members of a list or an object are not read. */
function reprOf(value: unknown, quoted: boolean, room: { left: number }): string {
  if (value === null || value === undefined) return 'None'
  if (value === true) return 'True'
  if (value === false) return 'False'
  if (typeof value === 'string') {
    room.left -= value.length
    return quoted ? `'${value}'` : value
  }
  if (typeof value !== 'object') return String(value)
  const parts: string[] = []
  const isList = Array.isArray(value)
  for (const [key, member] of isList ? value.entries() : Object.entries(value)) {
    room.left -= 4 + String(key).length
    if (room.left < 0) break
    const item = reprOf(member, true, room)
    parts.push(isList ? item : `'${key}': ${item}`)
  }
  return isList ? `[${parts.join(', ')}]` : `{${parts.join(', ')}}`
}
