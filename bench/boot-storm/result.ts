import { type Machine, type Stage, stages } from './machine.ts'

interface Percentiles {
  p50: number
  p95: number
  p99: number
  max: number
}

/** The stages in seconds each took by itself, and two milestones in seconds since the storm's first request. */
export const measures = [...stages, 'attached', 'booted'] as const
export type Measure = (typeof measures)[number]
export const milestones: Partial<Record<Measure, Stage>> = { attached: 'attach', booted: 'boot' }

/** The content of the --json file. All times in seconds. */
export interface Result {
  count: number
  ok: number
  failed: number
  wallSeconds: number
  stages: Partial<Record<Measure, Percentiles>>
  failures: { machine: string; stage: Stage; reason: string }[]
}

/** The smallest value that at least `percent` of all values do not exceed (nearest rank). NaN for no values. */
export function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN
}

/** The values of one measure, one for each machine that got so far. */
export function valuesOf(machines: Machine[], measure: Measure): number[] {
  const stage = milestones[measure] ?? (measure as Stage)
  return machines.flatMap((machine) => {
    const span = machine.spans.find((candidate) => candidate.stage === stage)
    if (!span) return []
    return [milestones[measure] ? span.end : span.end - span.start]
  })
}

/** Returns the percentiles of each measure that any machine reached, in seconds, and the failures. */
export function resultOf(machines: Machine[], wallSeconds: number): Result {
  const table: Result['stages'] = {}
  for (const measure of measures) {
    const values = valuesOf(machines, measure)
    if (values.length === 0) continue
    const at = (percent: number): number => rounded(percentile(values, percent))
    table[measure] = { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
  }
  const failures = machines.flatMap(({ name, failure }) => (failure ? [{ machine: name, ...failure }] : []))
  const finished = machines.filter((machine) => machine.stage === 'done').length
  return {
    count: machines.length,
    ok: finished,
    failed: machines.length - finished,
    wallSeconds: rounded(wallSeconds),
    stages: table,
    failures,
  }
}

const rounded = (seconds: number): number => Math.round(seconds * 1000) / 1000

/** Returns the result as a text table, with each different failure and how often it happened. */
export function tableOf(result: Result): string {
  const columns = ['p50', 'p95', 'p99', 'max'] as const
  const rows = Object.entries(result.stages).map(([measure, values]) => [
    measure in milestones ? `${measure} (since start)` : measure,
    ...columns.map((column) => values[column].toFixed(3)),
  ])
  const lines = [['seconds', ...columns], ...rows].map((row) =>
    row.map((cell, index) => (index === 0 ? cell.padEnd(22) : cell.padStart(9))).join(''),
  )
  const summary = `${result.count} machines: ${result.ok} ok, ${result.failed} failed, ${result.wallSeconds.toFixed(1)} s`
  return [...lines, '', summary, ...failureLines(result)].join('\n')
}

function failureLines(result: Result): string[] {
  const groups = new Map<string, string[]>()
  for (const { stage, reason, machine } of result.failures) {
    const key = `${stage}: ${reason.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')}`
    groups.set(key, [...(groups.get(key) ?? []), machine])
  }
  const width = 5
  return [...groups].map(([key, machines]) => {
    const more = machines.length > width ? `, … ${machines.length - width} more` : ''
    return `  ${machines.length}× ${key}\n     ${machines.slice(0, width).join(', ')}${more}`
  })
}
