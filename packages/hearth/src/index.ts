export { loadConfig } from './config.ts'
export type { Config } from './config-types.ts'
