import type { Answer } from '../../client.ts'
import { holding, type Row } from './row.ts'

/** Dashes for underscores, as WSGI makes of header names. */
const header = (prefix: string, name: string): string => `${prefix}${name.replaceAll('_', '-')}`.toLowerCase()
const kept = (prefix: string) => (answer: Answer, name: string) => answer.headers.get(header(prefix, name)) === 'kept'
const meta = (title: string, path: (name: string) => string, method: string, status: number, prefix: string): Row[] => [
  {
    title: `metadata of ${title}`,
    service: 'object',
    method,
    status,
    ask: (name) => ({ path: path(name), headers: { [header(prefix, name)]: 'kept' } }),
  },
  {
    title: `metadata of ${title} shown`,
    service: 'object',
    method: 'HEAD',
    status: title === 'an object' ? 200 : 204,
    ask: (name) => ({ path: path(name) }),
    fits: kept(prefix),
  },
]
const query = (title: string, method: string, status: number, path: string): Row => ({
  title,
  service: 'object',
  method,
  status,
  ask: (name) => ({ path: path.replaceAll('NAME', name) }),
})

export const objectRows = (): Row[] => [
  ...meta('the account', () => '', 'POST', 204, 'x-account-meta-'),
  ...meta('a container', () => '/names', 'POST', 204, 'x-container-meta-'),
  ...meta('an object', (name) => `/names/${name}`, 'PUT', 201, 'x-object-meta-'),
  {
    title: 'a header',
    service: 'object',
    method: 'PUT',
    status: 201,
    ask: (name) => ({ path: '/names/header', body: 'bytes', headers: { [name]: 'x' } }),
  },
  {
    title: 'the ending of a name without a content type',
    service: 'object',
    method: 'HEAD',
    status: 200,
    ask: (name) => ({ path: `/names/ending.${name}` }),
    fits: ({ headers }) => headers.get('content-type') === 'application/octet-stream',
  },
  query('a query key of the account', 'GET', 200, '?NAME=x&format=json'),
  query('a query key of a container', 'GET', 200, '/names?NAME=x&format=json'),
  query('a query key of an object', 'GET', 200, '/names/header?NAME=x'),
  query('a query key of a new object', 'PUT', 201, '/names/other?NAME=x'),
  query('a query key of POST', 'POST', 202, '/names/other?NAME=x'),
  query('a listing format', 'GET', 200, '/names?format=NAME'),
  query('the way a manifest is shown', 'GET', 200, '/names/other?multipart-manifest=NAME'),
  query('a signature', 'GET', 401, '/names/other?temp_url_sig=NAME:NAME&temp_url_expires=4102444800'),
  query('a container', 'GET', 404, '/NAME'),
  {
    title: 'a list of who may read',
    service: 'object',
    method: 'POST',
    status: 204,
    ask: (name) => ({ path: '/names', headers: { 'x-container-read': name } }),
  },
  {
    title: 'a storage policy',
    service: 'object',
    method: 'PUT',
    status: 400,
    ask: (name) => ({ path: `/policy-${name}`, headers: { 'x-storage-policy': name } }),
  },
  {
    title: 'a member of a manifest entry',
    service: 'object',
    method: 'PUT',
    status: 400,
    ask: (name) => ({
      path: '/names/manifest?multipart-manifest=put',
      body: JSON.stringify([holding(name, 'x', { path: '/names/other' })]),
    }),
  },
  {
    title: 'a field of an unsigned form',
    service: 'object',
    method: 'POST',
    status: 401,
    ask: (name) => ({
      path: '/names',
      body: `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\nx\r\n--b--\r\n`,
      headers: { 'content-type': 'multipart/form-data; boundary=b', 'x-auth-token': '' },
    }),
  },
]
