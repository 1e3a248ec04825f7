import type { DriverLog } from './log.ts'

const nothing = (): void => undefined

/** A log that drops every message. */
export const quietLog: DriverLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }
