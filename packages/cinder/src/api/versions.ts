import type { ApiRequest, ServiceOptions } from '@hearth/http'
import { maximumVersion, minimumVersion } from './microversions.ts'

type App = Parameters<NonNullable<ServiceOptions<unknown>['configure']>>[0]

function versionList(baseUrl: ApiRequest['baseUrl']): object {
  return {
    versions: [
      {
        id: 'v3.0',
        status: 'CURRENT',
        version: maximumVersion,
        min_version: minimumVersion,
        updated: '2026-08-21T00:00:00Z',
        links: [
          { rel: 'describedby', type: 'text/html', href: 'https://docs.openstack.org/' },
          { rel: 'self', href: `${baseUrl}/v3/` },
        ],
        'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.volume+json;version=3' }],
      },
    ],
  }
}

/**
 * Adds the routes outside of every version: `/` returns the version list with 300, `/v3/` with 200; `/v3` redirects.
 */
export function addVersionDocuments(app: App): void {
  const config = { public: true }
  app.get('/', { config }, async (request, reply) => reply.code(300).send(versionList(request.hearth.request.baseUrl)))
  app.get('/v3/', { config }, async (request, reply) => reply.send(versionList(request.hearth.request.baseUrl)))
  app.get('/v3', { config }, async (request, reply) => reply.redirect(`${request.hearth.request.baseUrl}/v3/`, 302))
}
