import type { DriverLog } from './log.ts'

const nothing = (): void => undefined

/** For who looks at results only. */
export const quietLog: DriverLog = { debug: nothing, info: nothing, warn: nothing, error: nothing }
