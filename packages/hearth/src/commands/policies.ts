import { openEnforcer } from '@hearth/auth'
import { policies as cinder } from '@hearth/cinder'
import { policies as glance } from '@hearth/glance'
import { policies as keystone } from '@hearth/keystone'
import { Command } from 'commander'
import type { Config } from '../config.ts'
import { renderTable } from '../table.ts'
import { configOf } from './config-option.ts'

const services = [
  ['identity', keystone],
  ['volume', cinder],
  ['image', glance],
] as const

export function policiesCommand(): Command {
  return new Command('policies')
    .description("Lists every policy rule with its text, and whether an operator's policy.yaml overrides it")
    .option('--json', 'print JSON')
    .action((options: { json?: boolean }, command: Command) => {
      const rows = policyRows(configOf(command))
      if (options.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`)
      else {
        const cells = rows.map((row) => [row.service, row.name, row.overridden ? 'yes' : '', row.text])
        process.stdout.write(`${renderTable(['service', 'rule', 'overridden', 'text'], cells)}\n`)
      }
    })
}

function policyRows(config: Config): { service: string; name: string; text: string; overridden: boolean }[] {
  return services.flatMap(([service, defaults]) =>
    openEnforcer({ defaults, file: config[service].policyFile })
      .rules()
      .map((rule) => ({ service, ...rule })),
  )
}
