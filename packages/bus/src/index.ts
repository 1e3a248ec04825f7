export { migrations } from '../migrations/index.ts'
export * from './open.ts'
export * from './options.ts'
export * from './topic.ts'
