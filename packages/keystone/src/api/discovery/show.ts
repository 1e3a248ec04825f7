import type { Context } from '@hearth/core'
import { type ApiRequest, Reply } from '@hearth/http'
import type { Deps } from '../../model/deps.ts'
import { type Body, baseOf } from '../links.ts'

/** Version document of Identity API 3.14, unchanged upstream since then. */
function versionBody(base: string): Body {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${base}/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  }
}

/** GET /: returns 300 with the versions. */
export async function listVersions(_context: Context, request: ApiRequest, deps: Deps): Promise<Reply> {
  const base = baseOf(request, deps.publicUrl)
  const headers = { location: `${base}/` }
  return new Reply(300, { versions: { values: [versionBody(base)] } }, headers)
}

/** GET /v3. */
export async function showVersion(_context: Context, request: ApiRequest, deps: Deps): Promise<Body> {
  return { version: versionBody(baseOf(request, deps.publicUrl)) }
}
