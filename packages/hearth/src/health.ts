import type { Readiness } from '@hearth/core'

export interface Check {
  /** Public name: contains no address, path or secret. */
  name: string
  /** Roles that cannot work without it; absent means all. */
  roles?: string[]
  /** Throws an error whose message describes the fault to the operator. */
  run(): Promise<void>
}

export interface CheckResult {
  name: string
  roles: string[] | null
  ok: boolean
  /** Description of the fault for the operator; null if there is none. */
  detail: string | null
}

/** The checks of everything that the roles of this process need. */
export interface Health {
  add(check: Check): void
  report(): Promise<CheckResult[]>
  /** For a role's health check: names only. */
  readiness(role: string): Readiness
}

interface HealthOptions {
  /** Milliseconds after which an unfinished check counts as failed. Default 3000. */
  patienceMs?: number
  /** Milliseconds that results are reused, so that frequent health requests cause no load. Default 1000. */
  keepMs?: number
}

/** Returns a health report without checks; each check that is added runs with a time limit and is cached. */
export function openHealth({ patienceMs = 3000, keepMs = 1000 }: HealthOptions = {}): Health {
  const checks = new Map<string, () => Promise<CheckResult>>()
  const report = (): Promise<CheckResult[]> => Promise.all([...checks.values()].map((ask) => ask()))
  return {
    add(check) {
      checks.set(
        check.name,
        remembered(() => resultOf(check, patienceMs), keepMs),
      )
    },
    report,
    readiness: (role) => async () =>
      (await report())
        .filter(({ ok, roles }) => !ok && (roles === null || roles.includes(role)))
        .map(({ name }) => name),
  }
}

/** Checks that have not ended: a check that hangs is not started again. */
const pending = new WeakMap<Check, Promise<void>>()

async function resultOf(check: Check, patienceMs: number): Promise<CheckResult> {
  const { name, roles = null } = check
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs)
  })
  let work = pending.get(check)
  if (!work) {
    work = check.run().finally(() => pending.delete(check))
    pending.set(check, work)
  }
  try {
    await Promise.race([work, late])
    return { name, roles, ok: true, detail: null }
  } catch (error) {
    return { name, roles, ok: false, detail: error instanceof Error ? error.message : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

/** Returns `ask` with its result cached: it is reused until `keepMs` after it settled. */
function remembered<T>(ask: () => Promise<T>, keepMs: number): () => Promise<T> {
  let last: { answer: Promise<T>; until: number } | undefined
  return () => {
    if (!last || performance.now() >= last.until) {
      const entry = { answer: ask(), until: Number.POSITIVE_INFINITY }
      last = entry
      void entry.answer.finally(() => {
        entry.until = performance.now() + keepMs
      })
    }
    return last.answer
  }
}
