import { hostname } from 'node:os'
import { type Machine, stages } from './machine.ts'
import { atX, atY, axes, curves, type Frame, type Line, svg } from './plot.ts'
import { milestones, type Result, valuesOf } from './result.ts'
import type { StormOptions } from './run.ts'
import { style } from './style.ts'

/** A page that needs nothing but itself: the table, curves of each stage, every machine in time, the failures. */
export function reportOf(result: Result, machines: Machine[], options: StormOptions): string {
  const title = `Boot storm: ${result.count} machines`
  const io = options.pattern
    ? `${mebibytes(options.pattern.readBytes)} MiB read and ${mebibytes(options.pattern.writtenBytes)} MiB written by each in ${options.pattern.operations.length} operations, ${options.ioConcurrency} at once`
    : 'volumes not read'
  const facts = [
    `${options.concurrency} at once at the API`,
    io,
    `${options.volume.sizeGiB} GiB volumes`,
    `from ${escaped(hostname())}, ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
  ]
  const seen = result.failed === 0 ? 'good' : 'bad'
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title><style>${style}</style></head><body>
<header><h1>${title}</h1><p>${facts.join(' · ')}</p></header>
<section class="tiles">
${tile(`${result.ok} / ${result.count}`, 'got through', seen)}
${tile(seconds(result.stages.attached?.max), 'until all were attached')}
${tile(seconds(result.stages.booted?.max), 'until all had booted')}
${tile(seconds(result.wallSeconds), 'until all were gone')}
</section>
<section><h2>How long each stage took</h2>${table(result)}</section>
${plots(machines)}
${failures(result)}
</body></html>
`
}

const mebibytes = (bytes: number): number => Math.round(bytes / 1024 ** 2)
const seconds = (value: number | undefined): string =>
  value === undefined ? '–' : `${value < 10 ? value.toFixed(2) : value.toFixed(1)} s`
const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!)

function tile(value: string, label: string, kind = ''): string {
  return `<div class="tile ${kind}"><b>${value}</b><span>${label}</span></div>`
}

function table(result: Result): string {
  const rows = Object.entries(result.stages).map(([measure, values]) => {
    const since = measure in milestones ? ' <small>since the first request</small>' : ''
    const cells = [values.p50, values.p95, values.p99, values.max].map((value) => `<td>${value.toFixed(3)}</td>`)
    return `<tr><th><span class="dot s-${measure}">●</span> ${measure}${since}</th>${cells.join('')}</tr>`
  })
  return `<table><thead><tr><th>seconds</th><td>p50</td><td>p95</td><td>p99</td><td>max</td></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function plots(machines: Machine[]): string {
  const spans = machines.flatMap((machine) => machine.spans)
  if (spans.length === 0) return ''
  const end = Math.max(...spans.map((span) => span.end))
  return `<section><h2>Percentiles of each stage</h2><p>The share of machines (across) whose stage took at most so long (up, logarithmic).</p>${percentiles(machines)}</section>
<section><h2>Machines through each stage</h2><p>How many had it behind them, by seconds since the first request.</p>${advance(machines, end)}</section>
<section><h2>Each machine in time</h2><p>${legend()} Gaps are waiting for one's turn.</p>${timeline(machines, end)}</section>`
}

function percentiles(machines: Machine[]): string {
  const lines: Line[] = stages.flatMap((name) => {
    const values = valuesOf(machines, name).toSorted((a, b) => a - b)
    const points = values.map((value, index): [number, number] => [((index + 1) / values.length) * 100, value])
    return points.length === 0 ? [] : [{ name, points: [[0, values[0]!], ...points] }]
  })
  const all = lines.flatMap((line) => line.points.map(([, y]) => y)).filter((value) => value > 0)
  const from = 10 ** Math.floor(Math.log10(Math.min(...all)))
  const to = 10 ** Math.ceil(Math.log10(Math.max(...all)))
  const y = { from, to: to === from ? from * 10 : to, log: true }
  const frame: Frame = { ...margins, x: { from: 0, to: 100 }, y }
  return svg(frame, 'Percentile curves', axes(frame, { x: '% of machines', y: 'seconds' }) + curves(frame, lines))
}

function advance(machines: Machine[], end: number): string {
  const lines: Line[] = stages.flatMap((name) => {
    const ends = machines.flatMap((machine) => machine.spans.filter((span) => span.stage === name).map((s) => s.end))
    if (ends.length === 0) return []
    const points = ends.toSorted((a, b) => a - b).map((at, index): [number, number] => [at, index + 1])
    return [{ name, points: [[0, 0], ...points, [end, points.length]] }]
  })
  const frame: Frame = { ...margins, x: { from: 0, to: end }, y: { from: 0, to: machines.length } }
  return svg(
    frame,
    'Machines through each stage',
    axes(frame, { x: 'seconds', y: 'machines' }) + curves(frame, lines, true),
  )
}

const margins = { width: 920, height: 340, left: 56, right: 96, top: 28, bottom: 44 }

function timeline(machines: Machine[], end: number): string {
  const row = Math.min(16, Math.max(2.5, 640 / machines.length))
  const height = Math.ceil(row * machines.length + margins.top + margins.bottom)
  const y = { from: machines.length, to: 0 }
  const frame: Frame = { ...margins, height, x: { from: 0, to: end }, y }
  const bars = machines.flatMap((machine) => {
    const top = atY(frame, machine.index)
    const parts = machine.spans.map(({ stage, start, end: until }) => {
      const x = atX(frame, start)
      const width = Math.max(0.4, atX(frame, until) - x).toFixed(1)
      const tip = `${machine.name}: ${stage} ${(until - start).toFixed(3)} s, from ${start.toFixed(2)} s`
      return `<rect class="s-${stage}" x="${x}" y="${top}" width="${width}" height="${(row * 0.82).toFixed(1)}"><title>${escaped(tip)}</title></rect>`
    })
    const at = machine.spans.at(-1)?.end ?? 0
    if (machine.failure)
      parts.push(
        `<text class="failed" x="${atX(frame, at) + 3}" y="${top + row * 0.8}">× ${machine.failure.stage}<title>${escaped(machine.failure.reason)}</title></text>`,
      )
    return parts
  })
  return svg(frame, 'Timeline of machines', axes(frame, { x: 'seconds', y: 'machine' }) + bars.join(''))
}

function legend(): string {
  return stages.map((stage) => `<span class="key"><span class="dot s-${stage}">●</span> ${stage}</span>`).join(' ')
}

function failures(result: Result): string {
  if (result.failures.length === 0) return ''
  const rows = result.failures.map(
    ({ machine, stage, reason }) =>
      `<tr><th>${escaped(machine)}</th><td class="text">${stage}</td><td class="text">${escaped(reason)}</td></tr>`,
  )
  return `<section><h2>Failures</h2><table><tbody>${rows.join('')}</tbody></table></section>`
}
