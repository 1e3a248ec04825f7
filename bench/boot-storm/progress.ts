import { type Machine, stages } from './machine.ts'

export interface Progress {
  changed(): void
  stop(): void
}

interface Terminal {
  isTTY?: boolean
  columns?: number
  write(text: string): unknown
}

/** One line that keeps itself up to date on a terminal; elsewhere a line every five seconds. */
export function openProgress(machines: () => Machine[], elapsed: () => number, out: Terminal): Progress {
  const isLive = out.isTTY === true
  const clear = isLive ? '\r\u001b[K' : ''
  const draw = (): void => {
    const line = progressLine(machines(), elapsed())
    out.write(isLive ? clear + line.slice(0, (out.columns ?? 100) - 1) : `${line}\n`)
  }
  let due = false
  const timer = setInterval(
    () => {
      if (due || !isLive) draw()
      due = false
    },
    isLive ? 100 : 5000,
  )
  return {
    changed() {
      due = true
    },
    stop() {
      clearInterval(timer)
      if (isLive) out.write(clear)
    },
  }
}

/** How many machines have each stage behind them. */
export function progressLine(machines: Machine[], elapsedSeconds: number): string {
  const counts = stages.map((stage) => {
    const through = machines.filter((machine) => machine.spans.some((span) => span.stage === stage)).length
    return `${stage} ${through}`
  })
  const failed = machines.filter((machine) => machine.failure).length
  const failures = failed > 0 ? ` · FAILED ${failed}` : ''
  return `${elapsedSeconds.toFixed(1).padStart(6)} s  of ${machines.length}: ${counts.join(' · ')}${failures}`
}
