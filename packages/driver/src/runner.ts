export interface RunResult {
  stdout: string
  stderr: string
  exitCode: number
}

export interface RunOptions {
  /** Milliseconds; the command is killed after it and DriverError `unavailable` is thrown. Default 60000. */
  timeout?: number
  signal?: AbortSignal
  input?: string
  /** Strings to mask in errors and logs. */
  secrets?: string[]
  /** Exit codes that are answers, not failures. Default [0]. */
  allow?: number[]
  env?: Record<string, string>
}

/** Runs one command, argv in, result out; no shell. Throws DriverError when it fails. */
export type Runner = (argv: string[], options?: RunOptions) => Promise<RunResult>
