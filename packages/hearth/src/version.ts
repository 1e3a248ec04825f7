import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../../..')

/** The version of the suite, its commit in a checkout, the schema of each service, and Node's version. */
export async function versionText(): Promise<string> {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const levels = Object.entries(await schemaLevels()).map(([service, level]) => `${service} ${level}`)
  return `hearth ${version}${commit()}\nschema ${levels.join(', ')}\nnode ${process.versions.node}`
}

function commit(): string {
  try {
    const said = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return ` (commit ${said.trim()})`
  } catch {
    return ''
  }
}

/** Name of the last migration of each service. */
async function schemaLevels(): Promise<Record<string, string>> {
  const { allMigrations } = await import('./commands/migrate.ts')
  const all = Object.entries(await allMigrations())
  return Object.fromEntries(all.map(([service, migrations]) => [service, migrations.at(-1)?.name ?? 'none']))
}
