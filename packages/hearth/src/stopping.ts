import { closeSync, openSync } from 'node:fs'
import { isatty } from 'node:tty'
import { errorTable } from '@hearth/core'

const errors = errorTable({
  StoppedWhileStarting: [503, 'stopped while starting'],
})

/** A second signal within this time is the same Ctrl-C: npm passes on what the terminal has sent to all already. */
const sameKeyMs = 1000
/** More unexpected errors than this while stopping, and there is no use in going on. */
const mostFaults = 20

interface StopOptions {
  /** Called with each unexpected error, which also stops the process with exit code 1. */
  onFault(error: unknown): void
  /** Opens the log again: SIGHUP asks for it. */
  reopenLog(): void
}

interface Stop {
  /** Aborted when the process is to stop. */
  signal: AbortSignal
  /** Fulfilled when the process is to stop. */
  requested: Promise<void>
  /** 1 after an unexpected error. */
  exitCode(): number
}

/**
 * Handles the signals of this process. SIGINT, SIGTERM, the end of its terminal and the end of the wrapper that started
 * it stop it; a second SIGINT or SIGTERM at least a second later ends it at once; any other SIGHUP reopens the log. An
 * uncaught error stops it as well, except an error of writing to standard output.
 */
export function watchForStop(options: StopOptions): Stop {
  const controller = new AbortController()
  const requested = new Promise<void>((resolve) => controller.signal.addEventListener('abort', () => resolve()))
  let exitCode = 0
  let faults = 0
  let first: number | undefined
  const stop = (): void => {
    first ??= performance.now()
    controller.abort(errors.StoppedWhileStarting())
  }
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.on(name, () => {
      if (first !== undefined && performance.now() - first > sameKeyMs) process.exit(code)
      stop()
    })
  const startedInTerminal = hasTerminal()
  process.on('SIGHUP', () => {
    options.reopenLog()
    if (startedInTerminal && !terminalIsThere()) stop()
  })
  if (process.channel) {
    process.on('disconnect', stop)
    process.channel.unref()
  }
  process.on('uncaughtException', (error) => {
    exitCode = 1
    options.onFault(error)
    if (++faults > mostFaults) process.exit(1)
    stop()
  })
  return { signal: controller.signal, requested, exitCode: () => exitCode }
}

/** True when a person at a terminal started this process and did not detach it as nohup does. */
function hasTerminal(): boolean {
  return [0, 1, 2].some((fd) => isatty(fd)) && terminalIsThere()
}

/** The kernel takes a process's controlling terminal away when that hangs up (tty(4)). */
function terminalIsThere(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}
