interface SwiftPath {
  account: string
  container: string | null
  object: string | null
}

/** Splits `/v1/account[/container[/object]]`; null when the path is none. */
export function splitPath(path: string): SwiftPath | null {
  const match = /^\/v1(?:\.0)?\/([^/]+)(?:\/([^/]*)(?:\/([\s\S]*))?)?$/.exec(path)
  if (!match) return null
  const [, account, container, object] = match
  if (!container && object) return null
  return { account: account!, container: container || null, object: object || null }
}
