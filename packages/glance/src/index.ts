import { api } from './api.ts'

export const roles = { api }
export { migrations } from '../migrations/index.ts'
export type { ApiOptions } from './api.ts'
export { glanceErrors as errors } from './errors.ts'
export { policies } from './policies.ts'
export { routes } from './routes.ts'
export type { SettingsOverride as ImageSettings } from './settings.ts'
export type { StoreEntry as ImageStoreEntry } from './stores/stores.ts'
