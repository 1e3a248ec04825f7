import { Ajv, type ErrorObject } from 'ajv'
import { parse as parseYaml } from 'yaml'
import { own, setOwn } from './members.ts'

/** Everything wrong with a configuration, one line for each key: where it came from, its value, and the rule it breaks. */
export class ConfigError extends Error {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

export interface ConfigSources {
  /** JSON schema whose `default`s fill what is absent. */
  schema: object
  /** YAML text; absent means empty. */
  text?: string | undefined
  /** Name of the file, for messages. */
  file: string
  env: Record<string, string | undefined>
  /** `HEARTH` makes `HEARTH_VOLUME__DEFAULT_TYPE` override `volume.defaultType`. */
  envPrefix: string
}

type Node = Record<string, unknown>

/** Reads a configuration. Throws ConfigError naming every wrong key. */
export function readConfig<T>(sources: ConfigSources): T {
  const config = parseFile(sources)
  const origins = new Map<string, string>()
  for (const [name, value] of Object.entries(sources.env)) {
    if (value === undefined || !name.startsWith(`${sources.envPrefix}_`)) continue
    const keys = keysOf(name.slice(sources.envPrefix.length + 1))
    if (!schemaAt(sources.schema, keys)) continue
    setAt(config, keys, readEnvValue(value, schemaAt(sources.schema, keys)!))
    origins.set(`/${keys.join('/')}`, name)
  }
  const ajv = new Ajv({ allErrors: true, useDefaults: true, strict: false, verbose: true })
  const validate = ajv.compile(sources.schema)
  if (!validate(config)) {
    const problems = validate.errors!.map((error) => explain(error, origins, sources.file))
    throw new ConfigError([...new Set(problems)])
  }
  return config as T
}

function parseFile(sources: ConfigSources): Node {
  let parsed: unknown
  try {
    parsed = parseYaml(sources.text ?? '') ?? {}
  } catch (error) {
    throw new ConfigError([`${sources.file}: ${(error as Error).message}`])
  }
  if (typeof parsed === 'object' && !Array.isArray(parsed)) return parsed as Node
  throw new ConfigError([`${sources.file}: the file must hold keys and values`])
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
  const from = origins.get(error.instancePath) ?? file
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys((error.parentSchema as Node).properties as object)
    const unknown = [key, params.additionalProperty].filter(Boolean).join('.')
    return `${from}: ${unknown}: there is no such key; known here are ${known.join(', ')}`
  }
  const rule =
    error.keyword === 'enum' ? `must be one of ${(params.allowedValues as unknown[]).join(', ')}` : error.message
  // A secret that breaks a rule is still a secret.
  const shown = /password|secret/i.test(key) ? '***' : JSON.stringify(error.data)
  return `${from}: ${key || 'the whole'}: ${shown} ${rule}`
}
