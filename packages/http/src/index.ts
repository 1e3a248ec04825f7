export * from './microversion.ts'
export * from './paging.ts'
export * from './route.ts'
export * from './service.ts'
