import { readFileSync } from 'node:fs'
import type { Identity } from '@hearth/core'
import { parse as parseYaml } from 'yaml'
import { type Check, parseRule } from './policy-rule.ts'

type PolicyTarget = Record<string, unknown>

export interface Enforcer {
  /** True when the caller satisfies the rule for the target. Throws on a rule that does not exist. */
  check(rule: string, target: PolicyTarget, identity: Identity | null): boolean
  /** Every rule with its text, an operator's words in place of the defaults. */
  rules(): { name: string; text: string; overridden: boolean }[]
}

interface EnforcerOptions {
  /** Rule name → oslo.policy text. */
  defaults: Record<string, string>
  /** An operator's policy.yaml: a mapping of rule names to texts. Read once. */
  file?: string | null
}

/**
 * Evaluates oslo.policy rules. Throws at opening when the file holds something else than a mapping of texts or a text
 * that cannot be parsed, naming the rule.
 */
export function openEnforcer(options: EnforcerOptions): Enforcer {
  const overrides = options.file ? readPolicyFile(options.file) : {}
  const texts = new Map(Object.entries({ ...options.defaults, ...overrides }))
  const checks = new Map([...texts].map(([name, text]) => [name, parseNamed(name, text)]))
  const evaluate = (rule: string, target: PolicyTarget, credentials: PolicyTarget, depth: number): boolean => {
    const check = checks.get(rule) ?? checks.get('default')
    if (!check) throw new Error(`no policy rule "${rule}"`)
    if (depth > 32) throw new Error(`policy rule "${rule}" refers to itself`)
    return check({ target, credentials, rule: (name) => evaluate(name, target, credentials, depth + 1) })
  }
  return {
    check: (rule, target, identity) => evaluate(rule, target, credentialsOf(identity), 0),
    rules: () =>
      [...texts].map(([name, text]) => ({ name, text, overridden: Object.hasOwn(overrides, name) })).sort(byName),
  }
}

const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1)

function parseNamed(name: string, text: string): Check {
  try {
    return parseRule(text)
  } catch (error) {
    throw new Error(`policy rule "${name}": ${(error as Error).message}`)
  }
}

function readPolicyFile(file: string): Record<string, string> {
  const parsed: unknown = parseYaml(readFileSync(file, 'utf8')) ?? {}
  if (typeof parsed !== 'object' || Array.isArray(parsed)) throw new Error(`${file}: expected "rule name": "rule text"`)
  for (const [name, text] of Object.entries(parsed as object))
    if (typeof text !== 'string') throw new Error(`${file}: rule "${name}" must be a text, not ${JSON.stringify(text)}`)
  return parsed as Record<string, string>
}

/** Attributes of the caller that rules may compare with, under oslo.context's names. */
function credentialsOf(identity: Identity | null): PolicyTarget {
  if (!identity) return { roles: [] }
  return {
    user_id: identity.userId,
    user_domain_id: identity.userDomainId,
    project_id: identity.projectId,
    tenant: identity.projectId,
    project_domain_id: identity.projectDomainId,
    domain_id: identity.domainId,
    system_scope: identity.system ? 'all' : null,
    roles: identity.roles.map((role) => role.toLowerCase()),
    is_admin: identity.roles.includes('admin'),
    is_admin_project: true,
  }
}
