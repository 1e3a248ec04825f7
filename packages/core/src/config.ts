import { Ajv, type ErrorObject } from 'ajv'
import { LineCounter, parseDocument } from 'yaml'
import { closest } from './closest.ts'
import { own, setOwn } from './members.ts'

/** All errors of a configuration, one line for each key: its source, its value, and the rule that it breaks. */
export class ConfigError extends Error {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

interface ConfigSources {
  /** JSON schema whose `default`s fill absent keys. Values of keys with `writeOnly: true` are never shown. */
  schema: object
  /** YAML text; absent means empty. */
  text?: string | undefined
  /** Name of the file, for messages. */
  file: string
  env: Record<string, string | undefined>
  /** `HEARTH` makes `HEARTH_VOLUME__DEFAULT_TYPE` override `volume.defaultType`; throws for a name that is no key. */
  envPrefix: string
}

type Node = Record<string, unknown>

/** Reads a configuration. Throws ConfigError naming every wrong key. */
export function readConfig<T>(sources: ConfigSources): T {
  const config = parseFile(sources)
  const origins = new Map<string, string>()
  const problems: string[] = []
  for (const [name, value] of Object.entries(sources.env)) {
    if (value === undefined || !name.startsWith(`${sources.envPrefix}_`)) continue
    const keys = keysOf(name.slice(sources.envPrefix.length + 1))
    const schema = schemaAt(sources.schema, keys)
    if (schema) {
      setAt(config, keys, readEnvValue(value, schema))
      origins.set(`/${keys.join('/')}`, name)
    } else problems.push(unknownVariable(name, sources))
  }
  const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, verbose: true })
  ajv.addFormat('regex', isRegex)
  const validate = ajv.compile(sources.schema)
  if (!validate(config)) problems.push(...validate.errors!.map((error) => explain(error, origins, sources.file)))
  if (problems.length > 0) throw new ConfigError([...new Set(problems)])
  return config as T
}

function unknownVariable(name: string, { schema, envPrefix }: ConfigSources): string {
  const meant = closest(name, variablesOf(schema as Node, envPrefix, '_'))
  return `${name}: no key of the configuration has this variable${meant ? `; did you mean ${meant}?` : ''}`
}

/** The variables of all keys. */
function variablesOf(schema: Node, prefix: string, separator: string): string[] {
  return Object.entries((schema.properties ?? {}) as Record<string, Node>).flatMap(([key, below]) => {
    const name = `${prefix}${separator}${key.replace(/[A-Z]/g, '_$&').toUpperCase()}`
    return [name, ...variablesOf(below, name, '__')]
  })
}

/** True for the text of a regular expression. */
function isRegex(text: string): boolean {
  try {
    return new RegExp(text, 'u') !== null
  } catch {
    return false
  }
}

function parseFile(sources: ConfigSources): Node {
  const lines = new LineCounter()
  const document = parseDocument(sources.text ?? '', { prettyErrors: false, lineCounter: lines })
  const [error] = document.errors
  if (error) {
    const { line, col } = lines.linePos(error.pos[0])
    throw new ConfigError([`${sources.file}: line ${line}, column ${col}: ${withoutContent(error.message)}`])
  }
  let parsed: unknown
  try {
    parsed = document.toJS() ?? {}
  } catch {
    throw new ConfigError([`${sources.file}: a value begins with * or an alias is not defined; put it in quotes`])
  }
  if (typeof parsed === 'object' && !Array.isArray(parsed)) return parsed as Node
  throw new ConfigError([`${sources.file}: the file must hold keys and values`])
}

/** The parser's message without the text it quotes, which may be a secret. */
function withoutContent(message: string): string {
  return message.replace(/:.*$/s, '').replace(/["'`].*["'`]/s, '…')
}

function keysOf(name: string): string[] {
  return name
    .split('__')
    .map((part) => part.toLowerCase().replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase()))
}

function schemaAt(schema: object, keys: string[]): Node | undefined {
  let node = schema as Node | undefined
  for (const key of keys) node = own((node?.properties ?? {}) as Record<string, Node>, key)
  return node
}

function setAt(config: Node, keys: string[], value: unknown): void {
  let node = config
  for (const key of keys.slice(0, -1)) {
    if (typeof own(node, key) !== 'object' || own(node, key) === null) setOwn(node, key, {})
    node = own(node, key) as Node
  }
  setOwn(node, keys.at(-1)!, value)
}

function readEnvValue(text: string, schema: Node): unknown {
  const types = [schema.type].flat()
  if ((types.includes('integer') || types.includes('number')) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (types.includes('boolean') && /^(true|false)$/.test(text)) return text === 'true'
  if (types.includes('array')) return text.split(',')
  return types.includes('null') && text === '' ? null : text
}

function explain(error: ErrorObject, origins: Map<string, string>, file: string): string {
  const key = error.instancePath.slice(1).replaceAll('/', '.')
  const params = error.params as Node
  const from = originOf(error.instancePath, origins) ?? file
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys((error.parentSchema as Node).properties as object)
    const unknown = [key, params.additionalProperty].filter(Boolean).join('.')
    const meant = closest(String(params.additionalProperty), known)
    const hint = meant ? `did you mean ${meant}? Known here are` : 'known here are'
    return `${from}: ${unknown}: there is no such key; ${hint} ${known.join(', ')}`
  }
  const rule =
    error.keyword === 'enum' ? `must be one of ${(params.allowedValues as unknown[]).join(', ')}` : error.message
  return `${from}: ${key || 'the whole'}: ${shown(error, key)}${rule}`
}

/** The variable that gave the value at a path, or the list or object around it. */
function originOf(path: string, origins: Map<string, string>): string | undefined {
  for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) if (origins.has(at)) return origins.get(at)
  return undefined
}

const longestShown = 200

/** The value with a space behind it; nothing of a secret, or of a whole that may hold one. */
function shown(error: ErrorObject, key: string): string {
  if (typeof error.data === 'object' && error.data !== null) return ''
  if (/password|secret/i.test(key) || mayHoldSecret(error.parentSchema as Node)) return '*** '
  const text = JSON.stringify(error.data)
  return `${text.length > longestShown ? `${text.slice(0, longestShown)}…` : text} `
}

function mayHoldSecret(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  if ((schema as Node).writeOnly === true) return true
  const { properties, additionalProperties, items } = schema as Node
  return [...Object.values(properties ?? {}), additionalProperties, items].some(mayHoldSecret)
}
