export * from './topic.ts'
