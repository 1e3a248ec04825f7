import { openApi } from './api.ts'

export { migrations } from '../migrations/index.ts'
export type { ApiOptions } from './api.ts'
export { type BootstrapInput, bootstrap } from './bootstrap/bootstrap.ts'
export { errors } from './errors.ts'
export type { SecurityCompliance } from './login/compliance.ts'
export type { ThrottleSettings } from './login/throttle.ts'
export { policies } from './policies.ts'
export { routes } from './routes.ts'
export type { TokenKeeper } from './tokens/keeper.ts'
export { type Rotation, rotateSigningKeys } from './tokens/keys.ts'
export { openTokenSource } from './tokens/source.ts'

export const roles = { api: openApi }
