/** An identity service's address without version or trailing slash: `http://host:5000/v3/` → `http://host:5000`. */
export function identityRoot(authUrl: string): string {
  return authUrl.replace(/\/+(v3)?\/*$/, '')
}
