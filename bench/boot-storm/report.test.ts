import { expect, test } from 'vitest'
import { type Machine, stages } from './machine.ts'
import { bootPattern } from './pattern.ts'
import { ticksOf } from './plot.ts'
import { progressLine } from './progress.ts'
import { reportOf } from './report.ts'
import { resultOf } from './result.ts'
import { newMachines, type StormOptions } from './run.ts'

const options: StormOptions = {
  prefix: 'storm',
  count: 12,
  concurrency: 12,
  ioConcurrency: 4,
  overlap: false,
  pattern: bootPattern(16),
  cephConf: '/etc/ceph/ceph.conf',
  volume: { sizeGiB: 1, imageId: 'i', volumeType: null },
  timeoutSeconds: 10,
  pollSeconds: 1,
}

function ended(): Machine[] {
  const machines = newMachines(options)
  for (const machine of machines) {
    const spans = stages.map((stage, index) => ({
      stage,
      start: index + machine.index / 20,
      end: index + 0.5 + machine.index / 20,
    }))
    Object.assign(machine, { spans, stage: 'done' })
  }
  return machines
}

test('the report is one page that loads nothing and draws every machine', () => {
  const machines = ended()
  const page = reportOf(resultOf(machines, 8), machines, options)
  expect(page).not.toMatch(/(src|href)=|@import|url\(/)
  expect(page.match(/<svg/g)).toHaveLength(3)
  expect(page.match(/<rect/g)).toHaveLength(12 * stages.length)
  expect(page).not.toMatch(/NaN|undefined|Infinity/)
  expect(page).toContain('prefers-color-scheme:dark')
})

test('the report tells the reason of a failure and cannot be broken by it', () => {
  const machines = ended()
  Object.assign(machines[3]!, { spans: [], stage: 'create', failure: { stage: 'create', reason: '<b>no & "no"' } })
  const page = reportOf(resultOf(machines, 8), machines, options)
  expect(page).toContain('&lt;b&gt;no &amp; &quot;no&quot;')
  expect(page).toContain('11 / 12')
})

test('a storm in which nothing happened still has a report', () => {
  const machines = newMachines(options)
  expect(reportOf(resultOf(machines, 0), machines, options)).toContain('0 / 12')
})

test('ticks are round numbers on a plain scale and decades on a logarithmic one', () => {
  expect(ticksOf({ from: 0, to: 14.7 })).toEqual([0, 5, 10])
  expect(ticksOf({ from: 0.001, to: 10, log: true })).toEqual([0.001, 0.01, 0.1, 1, 10])
})

test('the progress line counts the machines that have each stage behind them', () => {
  const machines = ended()
  Object.assign(machines[0]!, { spans: [], failure: { stage: 'create', reason: 'no' } })
  expect(progressLine(machines, 3.21)).toBe(
    '   3.2 s  of 12: create 11 · available 11 · attach 11 · login 11 · boot 11 · detach 11 · delete 11 · FAILED 1',
  )
})
