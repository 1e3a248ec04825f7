/**
 * Returns the URL with its password and query masked, for logs and errors. Returns `***` for a text that is not clearly
 * a URL with a host, because any part of it could be a password.
 */
export function redactUrl(text: string): string {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? URL.parse(text) : null
  // An @ after the host means that a password holds a slash, ? or #, and was cut in two.
  if (!url?.hostname || /@/.test(url.pathname + url.search + url.hash)) return '***'
  const user = url.username === '' ? '' : `${url.username}${url.password === '' ? '' : ':***'}@`
  return `${url.protocol}//${user}${url.host}${url.pathname}${url.search === '' ? '' : '?***'}`
}
