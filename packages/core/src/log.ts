import { type DestinationStream, type Logger, pino } from 'pino'

export type { Logger }

const secretKeys = [
  'password',
  'secret',
  'token',
  'authorization',
  'x-auth-token',
  'x-subject-token',
  'x-service-token',
]
const redactPaths = secretKeys.flatMap((key) => {
  const name = key.includes('-') ? `["${key}"]` : key
  return [name, `*${name.startsWith('[') ? '' : '.'}${name}`, `*.headers${name.startsWith('[') ? '' : '.'}${name}`]
})

interface LogOptions {
  level: string
  /** Where lines go; standard error when absent. */
  destination?: DestinationStream
}

/** Opens a JSON log whose secret-bearing keys are always masked. */
export function openLog(options: LogOptions): Logger {
  return pino(
    { level: options.level, base: null, redact: { paths: redactPaths, censor: '***' } },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  )
}

/** A log that keeps nothing. */
export const silentLog: Logger = pino({ level: 'silent' })
