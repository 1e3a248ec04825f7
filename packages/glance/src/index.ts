import { api } from './api/role.ts'

export const roles = { api }
export { migrations } from '../migrations/index.ts'
export { policies } from './api/policies.ts'
export type { ApiOptions } from './api/role.ts'
export { routes } from './api/routes.ts'
export type { SettingsOverride as ImageSettings } from './data/settings.ts'
export type { StoreEntry as ImageStoreEntry } from './data/stores.ts'
export { glanceErrors as errors } from './model/errors.ts'
