export { type Config, loadConfig } from './config.ts'
export { type Suite, startSuite } from './suite.ts'
