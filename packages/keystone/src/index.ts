import { openApi } from './api/role.ts'

export { migrations } from '../migrations/index.ts'
export { policies } from './api/policies.ts'
export type { ApiOptions } from './api/role.ts'
export { routes } from './api/routes.ts'
export { type BootstrapInput, bootstrap } from './model/bootstrap/bootstrap.ts'
export { errors } from './model/errors.ts'
export type { SecurityCompliance } from './model/login/compliance.ts'
export type { ThrottleSettings } from './model/login/throttle.ts'
export type { TokenKeeper } from './model/tokens/keeper.ts'
export { type Rotation, rotateSigningKeys } from './model/tokens/keys.ts'
export { openTokenSource } from './model/tokens/source.ts'

export const roles = { api: openApi }
