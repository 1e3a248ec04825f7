import { commonErrors, errorRowsOf, own } from '@hearth/core'
import { loadDriver } from '@hearth/driver'
import { requestErrors } from '@hearth/http'
import { configSchema } from './config-schema.ts'
import { roleSummaries } from './role-names.ts'

type Schema = Record<string, unknown>

/**
 * Returns the text of REFERENCE.md, made from tables in the code. `npm run docs` writes it; a test compares it with the
 * code.
 */
export async function referenceText(): Promise<string> {
  const sections = [
    '# Reference\n\nWritten by `npm run docs` from the tables in the code; do not edit.',
    `## Roles\n\n${table(['role', 'what it does'], Object.entries(roleSummaries))}`,
    `## Configuration\n\nThe environment overrides the file: \`volume.port\` is \`HEARTH_VOLUME__PORT\`.\n\n${configTable()}`,
    `## Options of drivers\n\n${await driverTables()}`,
    `## Errors\n\nCodes are stable and stand in the log; clients see each service's own envelope.\n\n${await errorTables()}`,
    `## Microversions of block storage\n\n${table(['version', 'what came', 'switches'], await microversionRows())}`,
  ]
  return `${sections.join('\n\n')}\n`
}

function table(header: string[], rows: string[][]): string {
  const line = (cells: string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n')
}

function configTable(): string {
  return table(
    ['key', 'default', 'rule', 'what it does'],
    keysOf(configSchema.properties as unknown as Record<string, Schema>, ''),
  )
}

function keysOf(properties: Record<string, Schema>, prefix: string): string[][] {
  return Object.entries(properties).flatMap(([name, schema]) => {
    const nested = schema.properties as Record<string, Schema> | undefined
    if (nested && !('required' in schema)) return keysOf(nested, `${prefix}${name}.`)
    const named = (schema.additionalProperties as Schema | undefined)?.properties as Record<string, Schema> | undefined
    if (named) return keysOf(named, `${prefix}${name}.<name>.`)
    const fallback = schema.default === null ? '' : code(schema.default)
    return [[`\`${prefix}${name}\``, fallback, ruleOf(schema), String(schema.description ?? '')]]
  })
}

const code = (value: unknown): string => (value === undefined ? '' : `\`${JSON.stringify(value)}\``)

function ruleOf(schema: Schema): string {
  const types = [schema.type ?? []].flat().filter((type) => type !== 'null')
  const bounds = ['minimum', 'maximum', 'minItems']
    .filter((name) => Object.hasOwn(schema, name))
    .map((name) => `${name} ${own(schema, name)}`)
  const choices = schema.enum ? [`one of ${(schema.enum as unknown[]).join(', ')}`] : []
  return [...types, ...bounds, ...choices].join(', ')
}

const drivers = ['file', 'lvm', 'nfs', 'rbd', 'iscsi', 'swift']

/** The options of every role, which stand under `options` beside `driver`. */
async function driverTables(): Promise<string> {
  const parts = drivers.map(async (name) => {
    const { options } = await loadDriver(`@hearth/driver-${name}`)
    const roles = Object.entries(options as Record<string, Schema>)
    return roles.map(([role, schema]) => {
      const rows = Object.entries(schema.properties as Record<string, Schema>).map(([key, option]) => [
        `\`${key}\``,
        [schema.required].flat().includes(key) ? 'required' : code(option.default),
        ruleOf(option),
        String(option.description ?? ''),
      ])
      return `### ${name}: ${role}\n\n${table(['option', 'default', 'rule', 'what it does'], rows)}`
    })
  })
  return (await Promise.all(parts)).flat().join('\n\n')
}

async function errorTables(): Promise<string> {
  const services = {
    'every service': [commonErrors, requestErrors],
    identity: [(await import('@hearth/keystone')).errors],
    volume: [(await import('@hearth/cinder')).errors],
    image: [(await import('@hearth/glance')).errors],
  }
  const parts = Object.entries(services).map(([name, factories]) => {
    const rows = factories.flatMap(errorRowsOf).map((row) => [row.code, String(row.status), row.message])
    return `### ${name}\n\n${table(['code', 'status', 'message'], rows)}`
  })
  return parts.join('\n\n')
}

async function microversionRows(): Promise<string[][]> {
  const { history } = await import('@hearth/cinder')
  return Object.entries(history).map(([version, { change, switches }]) => [
    version,
    change,
    (switches ?? []).join(', '),
  ])
}
