import { own } from '@hearth/core'
import type { ApiRequest } from '@hearth/http'

export { queryValue } from '@hearth/http'

/** All values of a repeatable query key. */
export function valuesOf(query: ApiRequest['query'], key: string): string[] {
  const value = own(query, key)
  return value === undefined ? [] : [value].flat()
}
