import type { Target } from './target.ts'

/** Every target by its name; a target is loaded in the child process that runs it. */
export const targets: Record<string, () => Promise<{ target: Target }>> = {
  'http-identity': () => import('./targets/http-identity.ts'),
  'http-volume': () => import('./targets/http-volume.ts'),
  'http-image': () => import('./targets/http-image.ts'),
  'http-object': () => import('./targets/http-object.ts'),
  'http-malformed': () => import('./targets/http-malformed.ts'),
  'access-rules': () => import('./targets/access-rules.ts'),
  acls: () => import('./targets/acls.ts'),
  inspectors: () => import('./targets/inspectors.ts'),
  'json-patch': () => import('./targets/json-patch.ts'),
  manifests: () => import('./targets/manifests.ts'),
  multipart: () => import('./targets/multipart.ts'),
  nbd: () => import('./targets/nbd.ts'),
  policies: () => import('./targets/policies.ts'),
  ranges: () => import('./targets/ranges.ts'),
  rings: () => import('./targets/rings.ts'),
  tar: () => import('./targets/tar.ts'),
  'temp-urls': () => import('./targets/temp-urls.ts'),
  tokens: () => import('./targets/tokens.ts'),
}

export const suiteTargets = Object.keys(targets).filter((name) => name.startsWith('http-'))
