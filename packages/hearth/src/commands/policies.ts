import { openEnforcer } from '@hearth/auth'
import { Command } from 'commander'
import type { Config } from '../config-types.ts'
import { renderTable } from '../table.ts'
import { configOf } from './config-option.ts'

/** Returns the command that lists the policy rules. */
export function policiesCommand(): Command {
  return new Command('policies')
    .description("Lists every policy rule with its text, and whether an operator's policy.yaml overrides it")
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }, command: Command) => {
      const rows = await policyRows(configOf(command))
      if (options.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
      else {
        const cells = rows.map((row) => [row.service, row.name, row.overridden ? 'yes' : '', row.text])
        process.stdout.write(`${renderTable(['service', 'rule', 'overridden', 'text'], cells)}\n`)
      }
    })
}

interface PolicyRow {
  service: string
  name: string
  text: string
  overridden: boolean
}

async function policyRows(config: Config): Promise<PolicyRow[]> {
  const services = [
    ['identity', (await import('@hearth/keystone')).policies],
    ['volume', (await import('@hearth/cinder')).policies],
    ['image', (await import('@hearth/glance')).policies],
  ] as const
  return services.flatMap(([service, defaults]) =>
    openEnforcer({ defaults, file: config[service].policyFile })
      .rules()
      .map((rule) => ({ service, ...rule })),
  )
}
