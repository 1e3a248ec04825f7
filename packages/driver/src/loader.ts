import { Ajv, type ErrorObject } from 'ajv'
import { DriverError } from './errors.ts'
import type { DriverPlugin, Roles } from './plugin.ts'

export type RoleName = keyof Roles
type Factory<R extends RoleName> = NonNullable<Roles[R]>
/** The opened driver of a role. */
export type Opened<R extends RoleName> = Awaited<ReturnType<Factory<R>>>
/** The dependencies of a role's factory. */
export type DepsOf<R extends RoleName> = Parameters<Factory<R>>[1]

const contractVersion = 1

/** Opens one role of the driver in `packageName`. Throws like `prepareDriver`, and errors of the driver itself. */
export async function openDriver<R extends RoleName>(
  role: R,
  packageName: string,
  options: Record<string, unknown>,
  deps: DepsOf<R>,
): Promise<Opened<R>> {
  const open = await prepareDriver(role, packageName, options)
  return open(deps)
}

/**
 * Finds one role of the driver in `packageName` (a package, an absolute path or a `file:` URL whose default export is a
 * DriverPlugin). Checks the options against the driver's schema and fills in defaults. Throws DriverError `invalid`
 * that names the package, or the option, its value and the broken rule. Returns a function that opens the role on each
 * call.
 */
export async function prepareDriver<R extends RoleName>(
  role: R,
  packageName: string,
  options: Record<string, unknown>,
): Promise<(deps: DepsOf<R>) => Promise<Opened<R>>> {
  const plugin = await loadDriver(packageName)
  const factory = roleOf(plugin, role, packageName) as unknown as (
    options: Record<string, unknown>,
    deps: DepsOf<R>,
  ) => Promise<Opened<R>>
  const checked = checkOptions(plugin, role, packageName, options)
  return (deps) => factory(structuredClone(checked), deps)
}

/** Imports a driver package. Throws DriverError `invalid` unless it implements this version of the contract. */
export async function loadDriver(packageName: string): Promise<DriverPlugin> {
  const module = await importDriver(packageName)
  const plugin = module.default as Partial<DriverPlugin> | undefined
  if (typeof plugin?.roles !== 'object' || plugin.roles === null) {
    throw new DriverError('invalid', `${packageName} is not a driver: its default export has no roles`)
  }
  if (plugin.contract !== contractVersion) {
    const has = String(plugin.contract)
    throw new DriverError('invalid', `${packageName} speaks driver contract ${has}; this suite ${contractVersion}`)
  }
  if (typeof plugin.kind !== 'string' || !/^[a-z0-9][a-z0-9-]*$/.test(plugin.kind))
    throw new DriverError('invalid', `${packageName}: its kind must be a word of small letters, digits and "-"`)
  return plugin as DriverPlugin
}

/** Returns the kind of storage that the driver in `packageName` names, such as `rbd`. Throws as `loadDriver`. */
export async function driverKind(packageName: string): Promise<string> {
  return (await loadDriver(packageName)).kind
}

async function importDriver(packageName: string): Promise<{ default?: unknown }> {
  try {
    return (await import(packageName)) as { default?: unknown }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const missing = code === 'ERR_MODULE_NOT_FOUND' && message.includes(packageName)
    const why = missing ? 'it is not installed' : message
    throw new DriverError('invalid', `The driver package "${packageName}" cannot be loaded: ${why}`, error)
  }
}

/** A broken rule of the options: the key (null: all options) and the rule, without the value of a secret. */
export interface OptionProblem {
  key: string | null
  rule: string
}

/**
 * Loads the driver in `packageName` and checks options against its schema. Returns the problems; throws DriverError
 * `invalid` when the driver is missing or lacks the role.
 */
export async function examineDriver(
  role: RoleName,
  packageName: string,
  options: Record<string, unknown>,
): Promise<OptionProblem[]> {
  const plugin = await loadDriver(packageName)
  roleOf(plugin, role, packageName)
  return check(plugin, role, options).problems
}

function roleOf<R extends RoleName>(plugin: DriverPlugin, role: R, packageName: string): NonNullable<Roles[R]> {
  const factory = Object.hasOwn(plugin.roles, role) ? plugin.roles[role] : undefined
  if (factory) return factory
  const roles = Object.keys(plugin.roles).join(', ') || 'none'
  throw new DriverError('invalid', `The driver ${packageName} has no role "${role}" (it has: ${roles})`)
}

function checkOptions(
  plugin: DriverPlugin,
  role: RoleName,
  packageName: string,
  options: Record<string, unknown>,
): Record<string, unknown> {
  const { checked, problems } = check(plugin, role, options)
  if (problems.length === 0) return checked
  const said = problems.map(({ key, rule }) => `${key ?? 'options'} ${rule}`).join('; ')
  throw new DriverError('invalid', `Options of the ${role} driver ${packageName}: ${said}`)
}

function check(
  plugin: DriverPlugin,
  role: RoleName,
  options: Record<string, unknown>,
): { checked: Record<string, unknown>; problems: OptionProblem[] } {
  const ajv = new Ajv({ useDefaults: true, verbose: true, strict: false, allErrors: true })
  const schema = { type: 'object', additionalProperties: false, ...plugin.options[role] }
  const checked = structuredClone(options)
  return { checked, problems: ajv.validate(schema, checked) ? [] : (ajv.errors ?? []).map(problemOf) }
}

/** Describes one broken rule: the key, its value (unless it may contain a secret: `writeOnly`) and the rule. */
function problemOf(error: ErrorObject): OptionProblem {
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  const below = (name: unknown) => (path ? `${path}.${name}` : String(name))
  if (error.keyword === 'additionalProperties') {
    const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
    return { key: below(error.params.additionalProperty), rule: `is not an option; known are ${known.join(', ')}` }
  }
  if (error.keyword === 'required') return { key: below(error.params.missingProperty), rule: 'is missing' }
  const allowed = error.keyword === 'enum' ? `: ${(error.params.allowedValues as unknown[]).join(', ')}` : ''
  return { key: path || null, rule: `${shown(error)}${error.message}${allowed}` }
}

function shown({ data, parentSchema }: ErrorObject): string {
  if (typeof data === 'object' && data !== null) return ''
  return mayHoldSecret(parentSchema) ? '= *** ' : `= ${JSON.stringify(data)} `
}

function mayHoldSecret(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  const { writeOnly, properties, additionalProperties, items } = schema as Record<string, unknown>
  return writeOnly === true || [...Object.values(properties ?? {}), additionalProperties, items].some(mayHoldSecret)
}
