import { Ajv, type ErrorObject } from 'ajv'
import { DriverError } from './errors.ts'
import type { DriverPlugin, Roles } from './plugin.ts'

export type RoleName = keyof Roles
type Factory<R extends RoleName> = NonNullable<Roles[R]>
/** What a role's factory makes. */
export type Opened<R extends RoleName> = Awaited<ReturnType<Factory<R>>>
/** What a role's factory is handed. */
export type DepsOf<R extends RoleName> = Parameters<Factory<R>>[1]

const contractVersion = 1

/**
 * Opens one role of the driver in `packageName`. Throws DriverError `invalid` as `prepareDriver` does, and what the driver
 * itself throws.
 */
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
 * DriverPlugin). Options are checked by the driver's schema, whose defaults are filled in. Throws DriverError `invalid`
 * naming the package, or the option, its value and the rule it breaks. Answers what opens it, as often as it is called.
 */
export async function prepareDriver<R extends RoleName>(
  role: R,
  packageName: string,
  options: Record<string, unknown>,
): Promise<(deps: DepsOf<R>) => Promise<Opened<R>>> {
  const plugin = await loadDriver(packageName)
  const factory = plugin.roles[role] as
    | ((options: Record<string, unknown>, deps: DepsOf<R>) => Promise<Opened<R>>)
    | undefined
  if (!factory) {
    const roles = Object.keys(plugin.roles).join(', ') || 'none'
    throw new DriverError('invalid', `The driver ${packageName} has no role "${role}" (it has: ${roles})`)
  }
  const checked = checkOptions(plugin, role, packageName, options)
  return (deps) => factory(structuredClone(checked), deps)
}

/** Imports a driver package and checks that it speaks this contract. */
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
  return plugin as DriverPlugin
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

function checkOptions(
  plugin: DriverPlugin,
  role: RoleName,
  packageName: string,
  options: Record<string, unknown>,
): Record<string, unknown> {
  const ajv = new Ajv({ useDefaults: true, verbose: true, strict: false })
  const schema = { type: 'object', additionalProperties: false, ...plugin.options[role] }
  const checked = structuredClone(options)
  if (ajv.validate(schema, checked)) return checked
  const said = (ajv.errors ?? []).map(explain).join('; ')
  throw new DriverError('invalid', `Options of the ${role} driver ${packageName}: ${said}`)
}

/** One broken rule in words: the key, its value (unless its schema says `writeOnly`) and the rule. */
function explain(error: ErrorObject): string {
  const path = error.instancePath.slice(1).replaceAll('/', '.')
  const below = (name: unknown) => (path ? `${path}.${name}` : String(name))
  if (error.keyword === 'additionalProperties') return `${below(error.params.additionalProperty)} is not an option`
  if (error.keyword === 'required') return `${below(error.params.missingProperty)} is missing`
  const secret = (error.parentSchema as { writeOnly?: boolean } | undefined)?.writeOnly === true
  const value = secret ? '***' : JSON.stringify(error.data)
  const allowed = error.keyword === 'enum' ? `: ${(error.params.allowedValues as unknown[]).join(', ')}` : ''
  return `${path || 'options'} = ${value} ${error.message}${allowed}`
}
