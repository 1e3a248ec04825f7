import type { IdentityRoute } from '../guard.ts'
import { listVersions, showVersion } from './show.ts'

/** Routes with paths from the root. */
export const routes: IdentityRoute[] = [
  ...['/', '/identity'].map(
    (path): IdentityRoute => ({ method: ['GET', 'HEAD'], path, policy: null, status: 300, operation: listVersions }),
  ),
  ...['/v3', '/identity/v3'].map(
    (path): IdentityRoute => ({ method: ['GET', 'HEAD'], path, policy: null, status: 200, operation: showVersion }),
  ),
]
