import { expect, test } from 'vitest'
import type { Machine, Span } from './machine.ts'
import { percentile, resultOf, tableOf, valuesOf } from './result.ts'

const machine = (index: number, spans: Span[], more: Partial<Machine> = {}): Machine => ({
  index,
  name: `m-${index}`,
  volumeId: null,
  attachmentId: null,
  spans,
  stage: 'done',
  failure: null,
  ...more,
})

const hundred = Array.from({ length: 100 }, (_, index) =>
  machine(index, [
    { stage: 'create', start: 0, end: (index + 1) / 100 },
    { stage: 'attach', start: 5, end: 5 + (index + 1) / 10 },
  ]),
)

test('a percentile is the smallest value that so many do not exceed', () => {
  const values = [5, 1, 4, 2, 3]
  expect([percentile(values, 50), percentile(values, 95), percentile(values, 100), percentile(values, 1)]).toEqual([
    3, 5, 5, 1,
  ])
  expect(percentile([], 50)).toBeNaN()
})

test('stages are timed by themselves and milestones from the start of the storm', () => {
  const { stages } = resultOf(hundred, 20)
  expect(stages.create).toEqual({ p50: 0.5, p95: 0.95, p99: 0.99, max: 1 })
  expect(stages.attach).toEqual({ p50: 5, p95: 9.5, p99: 9.9, max: 10 })
  expect(stages.attached).toEqual({ p50: 10, p95: 14.5, p99: 14.9, max: 15 })
})

test('a stage that no machine has reached is not in the result', () => {
  expect(Object.keys(resultOf(hundred, 20).stages)).toEqual(['create', 'attach', 'attached'])
})

test('a machine that failed counts as failed, and its finished stages still count', () => {
  const reason = 'POST /attachments answered 500: no'
  const failed = machine(100, [{ stage: 'create', start: 0, end: 3 }], {
    stage: 'attach',
    failure: { stage: 'attach', reason },
  })
  const result = resultOf([...hundred, failed], 20)
  expect(result).toMatchObject({ count: 101, ok: 100, failed: 1, wallSeconds: 20 })
  expect(result.failures).toEqual([{ machine: 'm-100', stage: 'attach', reason }])
  expect(valuesOf([failed], 'create')).toEqual([3])
})

test('the table gathers failures that differ only in an id', () => {
  const failing = Array.from({ length: 7 }, (_, index) =>
    machine(index, [], {
      stage: 'available',
      failure: { stage: 'available', reason: `volume 6f1c0b0e-0000-4000-8000-00000000000${index} went to error: full` },
    }),
  )
  const table = tableOf(resultOf([...hundred, ...failing], 20))
  expect(table).toContain('107 machines: 100 ok, 7 failed, 20.0 s')
  expect(table).toContain('7× available: volume … went to error: full')
  expect(table).toContain('m-0, m-1, m-2, m-3, m-4, … 2 more')
  expect(table.split('\n')[1]).toBe('create                    0.500    0.950    0.990    1.000')
})
